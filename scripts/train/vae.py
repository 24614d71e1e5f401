"""The VAE: diffusers' AutoencoderKLWan in its residual, patchified form, and an exact faster way to run it in training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders import autoencoder_kl_wan as wan

CONFIG = dict(
    base_dim=48,
    decoder_base_dim=48,
    z_dim=32,
    dim_mult=[1, 2, 2],
    num_res_blocks=2,
    attn_scales=[],
    temperal_downsample=[True, True],
    dropout=0.0,
    is_residual=True,
    in_channels=12,
    out_channels=12,
    patch_size=2,
    scale_factor_temporal=4,
    scale_factor_spatial=8,
)


def makeVae(latentChannels: int = 32, **changes) -> AutoencoderKLWan:
    """A fresh VAE; `changes` override CONFIG. Second convolutions of the residual blocks start at zero, so the averaging shortcuts alone carry
    the picture at the first step. The variance half of the latent is fixed: the pipeline only ever takes the mean."""
    config = {**CONFIG, "z_dim": latentChannels, **changes}
    config["latents_mean"] = [0.0] * latentChannels
    config["latents_std"] = [1.0] * latentChannels
    vae = AutoencoderKLWan(**config)
    for module in vae.modules():
        if isinstance(module, wan.WanResidualBlock):
            torch.nn.init.zeros_(module.conv2.weight)
            torch.nn.init.zeros_(module.conv2.bias)
        if isinstance(module, wan.WanAttentionBlock):
            torch.nn.init.zeros_(module.proj.weight)
            torch.nn.init.zeros_(module.proj.bias)
    with torch.no_grad():
        for module in vae.modules():
            if isinstance(module, wan.WanCausalConv3d) and module.kernel_size[0] == 3:
                startWithoutHistory(module)
        # A constant channel before each head keeps its normalisation from dividing the brightness away.
        encoderLast = vae.encoder.down_blocks[-2].downsampler.resample[1]
        decoderLast = vae.decoder.up_blocks[-1].resnets[0].conv_shortcut
        for layer, constant in ((encoderLast, 4.0), (decoderLast, 6.0)):
            layer.weight[-1].zero_()
            layer.bias[-1] = constant
        vae.quant_conv.weight[latentChannels:].zero_()
        vae.quant_conv.bias[latentChannels:].fill_(-4.6)  # standard deviation 0.1
    return vae


def startWithoutHistory(conv: wan.WanCausalConv3d) -> None:
    """Starts a causal convolution as a per-frame one, so that what images taught holds for clips from the first step:
    past taps at zero; the temporal down-sampling averages two frames, the up-sampling repeats each frame."""
    inside = conv.in_channels
    if conv.kernel_size[1] == 3:
        conv.weight[:, :, :2].zero_()
        return
    eye = torch.eye(inside)
    conv.weight.zero_()
    conv.bias.zero_()
    if conv.stride[0] == 2:
        conv.weight[:, :, 1, 0, 0] = conv.weight[:, :, 2, 0, 0] = 0.5 * eye
    else:
        conv.weight[:inside, :, 2, 0, 0] = conv.weight[inside:, :, 2, 0, 0] = eye


def encodeMean(vae: AutoencoderKLWan, video: torch.Tensor) -> torch.Tensor:
    """The latent mean [B,z,T,h,w] of video [B,3,F,H,W], F = 4k+1: what vae.encode(...).latent_dist.mode() gives.

    The chunks are one frame and then all the others together, which gives the same numbers as groups of four.
    """
    vae.clear_cache()
    x = wan.patchify(video, vae.config.patch_size)
    parts = []
    for chunk in (x[:, :, :1], x[:, :, 1:]):
        if chunk.shape[2]:
            vae._enc_conv_idx = [0]
            parts.append(vae.encoder(chunk, feat_cache=vae._enc_feat_map, feat_idx=vae._enc_conv_idx))
    mean = vae.quant_conv(torch.cat(parts, 2))[:, : vae.config.z_dim]
    vae.clear_cache()
    return mean


def decodeLatent(vae: AutoencoderKLWan, z: torch.Tensor) -> torch.Tensor:
    """Video [B,3,F,H,W] of latents [B,z,T,h,w], not clamped: vae.decode(z) before its clamp."""
    vae.clear_cache()
    x = vae.post_quant_conv(z)
    out = []
    # The first latent makes one frame and the second starts the temporal up-sampling: these two stay chunks of their own.
    for first, chunk in ((True, x[:, :, :1]), (False, x[:, :, 1:2]), (False, x[:, :, 2:])):
        if chunk.shape[2]:
            vae._conv_idx = [0]
            out.append(vae.decoder(chunk, feat_cache=vae._feat_map, feat_idx=vae._conv_idx, first_chunk=first))
    vae.clear_cache()
    return wan.unpatchify(torch.cat(out, 2), vae.config.patch_size)


def _fastForward(self, x, cache_x=None):
    """WanCausalConv3d.forward with the spatial padding inside the convolution; a lone first frame, whose history is
    zero, is a 2-D convolution with the last temporal slice."""
    pad_t, pad_h, pad_w = self._padding[4], self._padding[2], self._padding[0]
    cached = cache_x is not None and pad_t > 0
    if not cached and x.shape[2] == 1 and pad_t == self.kernel_size[0] - 1 and self.stride == (1, 1, 1):
        return F.conv2d(x[:, :, 0], self.weight[:, :, -1], self.bias, padding=(pad_h, pad_w)).unsqueeze(2)
    if cached:
        x = torch.cat([cache_x, x], dim=2)
        pad_t -= cache_x.shape[2]
    if pad_t > 0:
        x = F.pad(x, (0, 0, 0, 0, pad_t, 0))
    return F.conv3d(x, self.weight, self.bias, self.stride, (0, pad_h, pad_w))


def useFastConvolutions() -> None:
    """Makes every causal convolution of diffusers' VAE in this process run the faster, equal form."""
    wan.WanCausalConv3d.forward = _fastForward


_residualForward, _middleForward = wan.WanResidualBlock.forward, wan.WanMidBlock.forward


def wakeResiduals(awake: bool) -> None:
    """Turns the residual and middle blocks of every VAE in this process on, or off while their last convolutions are
    still zero: without them a step costs a fifth, and resampling, input and output layers learn their part first."""
    if awake:
        wan.WanResidualBlock.forward, wan.WanMidBlock.forward = _residualForward, _middleForward
        return

    def skipResidual(self, x, feat_cache=None, feat_idx=[0]):
        feat_idx[0] += 2
        return self.conv_shortcut(x)

    def skipMiddle(self, x, feat_cache=None, feat_idx=[0]):
        feat_idx[0] += 2 * len(self.resnets)
        return x

    wan.WanResidualBlock.forward, wan.WanMidBlock.forward = skipResidual, skipMiddle


def encoderSleeps(vae: AutoencoderKLWan) -> bool:
    """Whether the encoder's residual and middle blocks do nothing (linear_start.py): then they need not run."""
    residual = [m.conv2 for m in vae.encoder.modules() if isinstance(m, wan.WanResidualBlock)]
    attention = [m.proj for m in vae.encoder.modules() if isinstance(m, wan.WanAttentionBlock)]
    return not any(bool(layer.weight.any()) or bool(layer.bias.any()) for layer in residual + attention)


def psnr(a: torch.Tensor, b: torch.Tensor, weight: torch.Tensor | None = None) -> float:
    """Peak signal to noise in dB of two videos in [-1,1] (peak 2), optionally weighted."""
    square = (a.float() - b.float()) ** 2
    error = square.mean() if weight is None else (square * weight).sum() / (weight.expand_as(square).sum() + 1e-9)
    return float(10 * torch.log10(4.0 / error.clamp_min(1e-10)))
