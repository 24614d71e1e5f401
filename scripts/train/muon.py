"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) with equal shapes batched and a choice of precision.

torch.optim.Muon orthogonalises one matrix at a time and always in bfloat16, which processors without bfloat16 products
emulate at a tenth of their speed.
"""

from __future__ import annotations

from collections import defaultdict

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalised(stack: torch.Tensor, steps: int, dtype: torch.dtype) -> torch.Tensor:
    """[N,rows,columns] to nearly orthogonal matrices by Newton and Schulz's iteration (quintic, coefficients as above)."""
    x = stack.to(dtype)
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(stack.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum (Nesterov), orthogonalised, scaled to AdamW's size of step (0.2 sqrt of the longer side), decoupled decay."""

    def __init__(self, parameters, lr: float, momentum: float = 0.95, weight_decay: float = 0.01, steps: int = 4,
                 dtype: torch.dtype = torch.float32):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "steps": steps})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            shapes = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for shape, parameters in shapes.items():
                gradients = [p.grad for p in parameters]
                moments = [self.state[p].setdefault("momentum_buffer", torch.zeros_like(p)) for p in parameters]
                torch._foreach_lerp_(moments, gradients, 1 - group["momentum"])
                ahead = torch._foreach_lerp(gradients, moments, group["momentum"])
                update = orthogonalised(torch.stack(ahead), group["steps"], self.dtype)
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(parameters, list(update), alpha=-group["lr"] * 0.2 * max(shape) ** 0.5)
