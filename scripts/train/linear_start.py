"""Starts the VAE's encoder as a linear transform fitted to clips: what training would need hours for, in a minute.

The best linear code of 8x8x4 blocks of simulated footage (principal components, 32 numbers a block) keeps more of the
picture than an encoder trained for an hour on two cores. AutoencoderKLWan's residual form can express such a transform
nearly exactly, level by level: each down-sampling convolution takes the spatial components of 2x2 blocks, each temporal
convolution their sum and difference over two frames, and what the averaging shortcuts add is subtracted beforehand. The
residual blocks stay asleep (their second convolutions are zero), so that they can be trained later.

The head divides by the length of the feature vector and applies SiLU. Both are made harmless: a large constant channel
holds the length, and every component comes as a pair, silu(x) - silu(-x) = x.
"""

from __future__ import annotations

import random

import numpy as np
import torch

LOW_1, HIGH_1 = 26, 10   # level 1: spatial components whose mean over two frames is kept, and whose difference
ALIGNED = 22             # level 2: components that mean the same in the first latent frame and in all others
CONSTANT = 320.0         # the channel that holds the vector's length; components are below 30


def blocks(x: np.ndarray) -> np.ndarray:
    """Features [C,T,H,W] to 2x2 blocks [T, (H/2)(W/2), 4C], ordered (channel, row, column) as a convolution's weights."""
    c, t, h, w = x.shape
    x = x[:, :, :h // 2 * 2, :w // 2 * 2].reshape(c, t, h // 2, 2, w // 2, 2)
    return x.transpose(1, 2, 4, 0, 3, 5).reshape(t, (h // 2) * (w // 2), 4 * c)


def unblocked(y: np.ndarray, height: int, width: int) -> np.ndarray:
    """[T, height width, M] to [M,T,height,width]."""
    return y.reshape(len(y), height, width, -1).transpose(3, 0, 1, 2)


def components(covariance: np.ndarray, count: int) -> np.ndarray:
    """The first principal components as rows, signs fixed (largest entry positive)."""
    values, vectors = np.linalg.eigh(covariance)
    rows = vectors[:, np.argsort(-values)[:count]].T
    return rows * np.sign(rows[np.arange(count), np.abs(rows).argmax(1)])[:, None]


def weighted(target: np.ndarray, basis: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """W with W basis nearest to target for inputs of that covariance."""
    gram = basis @ covariance @ basis.T
    return target @ covariance @ basis.T @ np.linalg.pinv(gram, rcond=1e-9, hermitian=True)


def blockMeans(channels: int) -> np.ndarray:
    """Rows that average each channel over a 2x2 block: [C, 4C]."""
    return np.kron(np.eye(channels), np.full((1, 4), 0.25))


def covarianceOf(parts: list[np.ndarray]) -> np.ndarray:
    stacked = np.concatenate([p.reshape(-1, p.shape[-1]) for p in parts]).astype(np.float64)
    return stacked.T @ stacked / len(stacked)


def pairs(later: np.ndarray) -> np.ndarray:
    """Blocks of frames [T,N,K], T even, to [T/2,N,2K]: the earlier frame first."""
    return np.concatenate([later[0::2], later[1::2]], -1)


class Level:
    """One down-sampling level: K of the 2-D convolution, W1 and W2 of the temporal one; shortcuts A (earlier), B (later)."""

    def __init__(self, first, d1, d2, shortA, shortB, covariance):
        self.first = first
        self.k = first - shortB
        self.w1 = weighted(d1 - shortA, self.k, covariance)
        self.w2 = weighted(d2 - shortB, self.k, covariance)
        self.short = np.concatenate([shortA, shortB], 1)

    def run(self, x: np.ndarray) -> np.ndarray:
        """Features [C,T,H,W], T odd, to the next level's [M,(T+1)/2,H/2,W/2]."""
        cut = blocks(x)
        inside = cut[1:] @ self.k.T
        later = inside[0::2] @ self.w1.T + inside[1::2] @ self.w2.T + pairs(cut[1:]) @ self.short.T
        return unblocked(np.concatenate([cut[:1] @ self.first.T, later]), x.shape[2] // 2, x.shape[3] // 2)


def fitLevel1(features: list[np.ndarray], channels: int) -> Level:
    """Level 1: 12 channels of patches in, `channels` out."""
    cut = [blocks(f) for f in features]
    covariance = covarianceOf(cut)
    inputs = features[0].shape[0]
    first = components(covariance, channels)
    low = np.concatenate([first[:LOW_1], first[:HIGH_1]])[:channels]
    sign = np.where(np.arange(channels) < LOW_1, 1.0, -1.0)[:, None]
    short = np.zeros_like(first)
    short[:inputs] = 0.5 * blockMeans(inputs)  # eight values a channel are averaged: four of each frame
    return Level(first, 0.5 * low, 0.5 * sign * low, short, short, covariance)


def fitLevel2(features: list[np.ndarray], channels: int, latents: int) -> Level:
    """Level 2: level 1's channels in; component k leaves in channels 2k and, negated, 2k + 1."""
    inputs = features[0].shape[0]
    cut = [blocks(f) for f in features]
    firstCov, bothCov = covarianceOf([c[:1] for c in cut]), covarianceOf([pairs(c[1:]) for c in cut])
    n = 4 * inputs
    laterCov = 0.5 * (bothCov[:n, :n] + bothCov[n:, n:])
    # Aligned components look at the means over time alone (level 1's first channels), the same way in every frame.
    lowOnly = np.zeros(n)
    lowOnly[: 4 * LOW_1] = 1
    masked = (firstCov + laterCov) * lowOnly[:, None] * lowOnly
    aligned = components(masked, ALIGNED)
    rest = np.eye(n) - aligned.T @ aligned
    detail = components(rest @ firstCov @ rest, latents - ALIGNED)
    u = np.concatenate([aligned, detail])
    first = np.zeros((channels, n))
    first[0:2 * latents:2], first[1:2 * latents:2] = u, -u
    shortA, shortB = np.zeros_like(first), np.zeros_like(first)
    shortA[0:2 * inputs:2], shortB[1:2 * inputs:2] = blockMeans(inputs), blockMeans(inputs)
    k = first - shortB
    # Later frames: the aligned components' mean over time, then the principal components of what that leaves, within what
    # the 2-D convolution passes on.
    half = np.concatenate([0.5 * aligned, 0.5 * aligned], 1)
    values, vectors = np.linalg.eigh(k @ k.T)
    passed = (vectors[:, values > 1e-6].T @ k)
    passed = np.linalg.svd(passed, full_matrices=False)[2]
    both = np.kron(np.eye(2), passed)                       # orthonormal rows over (earlier, later)
    inner = both @ bothCov @ both.T
    known = half @ both.T
    values, vectors = np.linalg.eigh(known @ inner @ known.T)
    whitened = (vectors / np.sqrt(values)).T @ known
    left = inner - inner @ whitened.T @ whitened @ inner     # covariance given the aligned components
    motion = components(left, latents - ALIGNED) @ both * np.sqrt(0.5)
    d = np.zeros((channels, 2 * n))
    d[0:2 * latents:2] = np.concatenate([half, motion])
    d[1:2 * latents:2] = -d[0:2 * latents:2]
    return Level(first, d[:, :n], d[:, n:], shortA, shortB, laterCov)


def constantChannels(vae) -> torch.Tensor:
    """The indices of the channels that hold CONSTANT at the encoder's end; none where it did not start here."""
    return (vae.encoder.down_blocks[-2].downsampler.time_conv.bias.detach() > 0.5 * CONSTANT).nonzero()[:, 0]


@torch.no_grad()
def startLinear(vae, clips: list[np.ndarray], seed: int = 0) -> None:
    """Fits the transform to clips (uint8 [F,H,W,3], F >= 9) and writes it into the encoder of a fresh vae.makeVae(...)."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import patchify

    rng = random.Random(seed)
    z, encoder = vae.config.z_dim, vae.encoder
    c1, c2 = encoder.conv_in.weight.shape[0], encoder.conv_out.weight.shape[1]
    if c1 != LOW_1 + HIGH_1 or c2 <= 2 * z:
        raise ValueError(f"the linear start is made for {LOW_1 + HIGH_1} channels and more than {2 * z} at the end")
    features = []
    for clip in clips:
        start, count = rng.randint(0, len(clip) - 9), 9
        side = 64
        y, x = rng.randint(0, clip.shape[1] - side), rng.randint(0, clip.shape[2] - side)
        video = torch.from_numpy(clip[start:start + count, y:y + side, x:x + side].transpose(3, 0, 1, 2).astype(np.float32))
        features.append(patchify(video[None] / 127.5 - 1, 2)[0].numpy())
    one = fitLevel1(features, c1)
    middle = [one.run(f) for f in features]
    two = fitLevel2(middle, c2, z)
    # Latents are divided by the root of their spread: between natural amplitudes, of which the small ones would be lost on
    # the decoder, and whitened ones, of which the large ones would no longer matter more.
    latents = np.concatenate([two.run(f)[0:2 * z:2].reshape(z, -1) for f in middle], 1)
    scale = 1 / np.sqrt(latents.std(axis=1))

    first, second, third = encoder.down_blocks
    encoder.conv_in.weight.zero_()
    encoder.conv_in.bias.zero_()
    encoder.conv_in.weight[:12, :, 2, 1, 1] = torch.eye(12)
    second.resnets[0].conv_shortcut.weight.zero_()
    second.resnets[0].conv_shortcut.bias.zero_()
    second.resnets[0].conv_shortcut.weight[:c1, :, 0, 0, 0] = torch.eye(c1)
    for block, level, inputs in ((first, one, 12), (second, two, c1)):
        flat, time = block.downsampler.resample[1], block.downsampler.time_conv
        for layer in (flat, time):
            layer.weight.zero_()
            layer.bias.zero_()
        flat.weight[:, :inputs, :2, :2] = torch.from_numpy(level.k.reshape(-1, inputs, 2, 2)).float()
        time.weight[:, :, 1, 0, 0] = torch.from_numpy(level.w1).float()
        time.weight[:, :, 2, 0, 0] = torch.from_numpy(level.w2).float()
    for layer in (second.downsampler.resample[1], second.downsampler.time_conv):
        layer.bias[2 * z] = CONSTANT
    # The third block adds its input to itself; the head sees 2 x over the length 2 CONSTANT.
    encoder.norm_out.gamma.fill_(CONSTANT / c2**0.5)
    encoder.conv_out.weight.zero_()
    encoder.conv_out.bias.zero_()
    for k in range(z):
        encoder.conv_out.weight[k, 2 * k, 2, 1, 1] = float(scale[k])
        encoder.conv_out.weight[k, 2 * k + 1, 2, 1, 1] = -float(scale[k])
    vae.quant_conv.weight.zero_()
    vae.quant_conv.bias[:z].zero_()
    vae.quant_conv.weight[:z, :z, 0, 0, 0] = torch.eye(z)
    vae.post_quant_conv.weight.zero_()
    vae.post_quant_conv.bias.zero_()
    vae.post_quant_conv.weight[:, :, 0, 0, 0] = torch.eye(z)
    # The decoder, too, begins with the components as they are; it has to learn what pictures they stand for.
    vae.decoder.conv_in.weight.mul_(0.3)
    vae.decoder.conv_in.weight[:z] = 0
    vae.decoder.conv_in.weight[:z, :, 2, 1, 1] = torch.eye(z)
