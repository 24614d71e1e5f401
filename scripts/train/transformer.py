"""The diffusion transformer and the text encoder: configurations, starting weights, padding rows folded into one."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from diffusers import WanVACETransformer3DModel
from diffusers.models.transformers.transformer_wan import WanAttnProcessor
from transformers import UMT5Config, UMT5EncoderModel

from common import halfPrecision

TEXT_ROWS = 512  # rows WanVACEPipeline pads the text to
CONSTANT_PATTERN = 3.0  # amplitude of the stream's constant part: see startFromPlate


def makeTransformer(latentChannels: int = 32, layers: int = 8, heads: int = 4, headSize: int = 64, ffn: int = 1024,
                    textWidth: int = 256, vaceLayers: list[int] | None = None) -> WanVACETransformer3DModel:
    """A fresh transformer whose first guess is "the plate stays": see startFromPlate."""
    model = WanVACETransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=heads, attention_head_dim=headSize, in_channels=latentChannels,
        out_channels=latentChannels, text_dim=textWidth, freq_dim=256, ffn_dim=ffn, num_layers=layers,
        cross_attn_norm=True, qk_norm="rms_norm_across_heads", eps=1e-6, rope_max_seq_len=1024,
        vace_layers=vaceLayers or list(range(0, layers, 2)), vace_in_channels=2 * latentChannels + 64)
    startFromPlate(model)
    startLocal(model)
    return model


@torch.no_grad()
def startFromPlate(model: WanVACETransformer3DModel) -> None:
    """Starting weights with which the model answers v = noisy latent - plate latent, the right guess for pure noise and
    an unchanged plate. It then learns what destruction changes, instead of first how to copy: worth many hundred steps.

    A part of the width as large as a latent patch carries the noisy latent's, as much again the plate's (inactive +
    reactive), at half its size; what is left (half of the width for 16 channels) is free.
    A constant pattern three times as large holds the length by which the last LayerNorm divides: without it a token's own
    variance changes the copy of its noise by some percent, and that is left in the picture as coloured blocks. The layers that
    read a normalised stream start blind to the pattern.
    """
    config = model.config
    channels, width = config.in_channels, config.num_attention_heads * config.attention_head_dim
    patch = channels * 4
    half = min(patch, width // 2)
    pattern = torch.ones(width)
    pattern[1::2] = -1
    constant = CONSTANT_PATTERN * pattern
    basis = torch.empty(half, patch)
    torch.nn.init.orthogonal_(basis)
    kernel = basis.view(half, channels, 1, 2, 2)
    model.patch_embedding.weight[:half] = kernel
    model.patch_embedding.weight[half:] = 0
    model.patch_embedding.bias.copy_(constant)
    model.vace_patch_embedding.weight.mul_(0.3)
    model.vace_patch_embedding.weight[:half, : 2 * channels] = 0
    model.vace_patch_embedding.weight[half:2 * half, :channels] = 0.5 * kernel
    model.vace_patch_embedding.weight[half:2 * half, channels:2 * channels] = 0.5 * kernel
    model.vace_patch_embedding.bias.zero_()
    first = model.vace_blocks[0]
    first.proj_in.weight.copy_(torch.eye(width))
    first.proj_in.bias.zero_()
    for block in model.vace_blocks:
        block.proj_out.weight.mul_(0.1)
        block.proj_out.bias.zero_()
    first.proj_out.weight[half:2 * half] = torch.eye(width)[half:2 * half]
    first.proj_out.bias[half:2 * half] = -constant[half:2 * half]
    # Last linear layer: output order is (y, x, channel), the convolution's is (channel, y, x).
    back = kernel.permute(3, 4, 1, 2, 0).reshape(patch, half)
    gain = (CONSTANT_PATTERN**2 + 1.25 * half / width) ** 0.5  # noise and, at half its size, the plate fill `half` each
    model.proj_out.weight.zero_()
    model.proj_out.weight[:, :half] = gain * back
    model.proj_out.weight[:, half:2 * half] = -2 * gain * back
    model.proj_out.bias.copy_(-model.proj_out.weight @ constant / gain)
    # The head's own modulation begins at "none": it would scale the pattern.
    model.scale_shift_table.zero_()
    model.condition_embedder.time_embedder.linear_2.weight.mul_(0.1)
    model.condition_embedder.time_embedder.linear_2.bias.zero_()
    unit = pattern / width**0.5
    for block in model.vace_blocks[1:]:
        block.proj_out.weight.sub_(torch.outer(block.proj_out.weight @ unit, unit))
    for block in [*model.blocks, *model.vace_blocks]:
        for layer in (block.attn1.to_out[0], block.attn2.to_out[0], block.ffn.net[2]):  # branches start silent
            layer.weight.zero_()
            layer.bias.zero_()
        attention = block.attn1
        for layer in (attention.to_q, attention.to_k, attention.to_v, block.attn2.to_q, block.ffn.net[0].proj):
            layer.weight.sub_(torch.outer(layer.weight @ unit, unit)).mul_(gain)


@torch.no_grad()
def startLocal(model: WanVACETransformer3DModel) -> None:
    """Gives three heads of every block's self-attention, and one of every VACE block's, a fixed gaze to begin with: two look
    at the next and the previous token along width, height or time (blocks in turn), one at all its near ones.

    Noise is told from picture by the neighbours, and attention has to find them first: from random queries it had not
    after an hour. Queries and keys are constants whose rotary phases agree at the wanted distance; what the heads carry starts silent.
    """
    for number, block in enumerate(model.blocks):
        for head, offset in enumerate((1, -1, 0)[: model.config.num_attention_heads - 1]):
            gaze = [0, 0, 0]
            gaze[2 - number % 3] = offset
            lookAt(model, block.attn1, head, tuple(gaze), sharpness=20.0 if offset else 8.0)
    for block in model.vace_blocks:
        lookAt(model, block.attn1, 0, (0, 0, 0), sharpness=8.0)


@torch.no_grad()
def lookAt(model: WanVACETransformer3DModel, attention, head: int, offset: tuple[int, int, int], sharpness: float) -> None:
    """Makes a head attend around `offset` = (time, height, width) in tokens; its score there is `sharpness`, and falls with
    the distance as cosines of the two fastest rotary frequencies of each axis do."""
    size = model.config.attention_head_dim
    axis = 2 * (size // 6)
    gain = (sharpness / 8) ** 0.5 * (64 / size) ** 0.25
    rows = slice(head * size, (head + 1) * size)
    amplitude = 0.58 * (size / 12) ** 0.5  # the mean square of a head of fresh random rows, in 12 of its numbers
    for layer, norm in ((attention.to_q, attention.norm_q), (attention.to_k, attention.norm_k)):
        layer.weight[rows] = 0
        layer.bias[rows] = 0
        norm.weight[rows] = gain
    attention.to_out[0].weight[:, rows] = 0
    for start, width, distance in ((0, size - 2 * axis, offset[0]), (size - 2 * axis, axis, offset[1]), (size - axis, axis, offset[2])):
        for pair in range(2):
            phase = -distance * 10000.0 ** (-2 * pair / width)
            first = head * size + start + 2 * pair
            attention.to_q.bias[first] = amplitude
            attention.to_k.bias[first] = amplitude * math.cos(phase)
            attention.to_k.bias[first + 1] = amplitude * math.sin(phase)


def grownDeeper(form: dict, weights: dict[str, torch.Tensor], layers: int) -> tuple[dict, dict[str, torch.Tensor]]:
    """The form (makeTransformer's arguments) and weights of a transformer with a multiple of the layers that answers the same
    as before: each block is followed by copies of itself whose branches are silent (their last matrices are zero), as
    starting weights' are. VACE's blocks give their hints after the same old blocks."""
    factor, rest = divmod(layers, form["layers"])
    if rest or factor < 1:
        raise ValueError(f"{layers} layers are no multiple of the {form['layers']} that are there")
    grown = {}
    for name, value in weights.items():
        if not name.startswith("blocks."):
            grown[name] = value
            continue
        number, part = name.removeprefix("blocks.").split(".", 1)
        for copy in range(factor):
            silent = copy and part.startswith(("attn1.to_out.", "attn2.to_out.", "ffn.net.2."))
            grown[f"blocks.{factor * int(number) + copy}.{part}"] = torch.zeros_like(value) if silent else value.clone()
    return {**form, "layers": layers, "vaceLayers": [factor * layer for layer in form["vaceLayers"]]}, grown


def makeTextEncoder(vocabulary: int, width: int = 256, layers: int = 4) -> UMT5EncoderModel:
    """A fresh small UMT5 encoder. The vocabulary is rounded up to 64 rows."""
    config = UMT5Config(
        vocab_size=(vocabulary + 63) // 64 * 64, d_model=width, d_kv=64, num_heads=4, d_ff=2 * width, num_layers=layers,
        feed_forward_proj="gated-gelu", relative_attention_num_buckets=32, relative_attention_max_distance=128,
        dropout_rate=0.0, pad_token_id=0, eos_token_id=1, tie_word_embeddings=True)
    return UMT5EncoderModel(config)


class FoldedTextProcessor(WanAttnProcessor):
    """Cross-attention over the real text rows and ONE padding row that stands for all the others.

    diffusers attends to 512 rows, of which all past the prompt are the same zero row. n equal keys with equal values
    give exactly what one of them gives with log(n) added to its score. `bias` [rows] holds 0, or log(n) for that row.
    """

    bias: torch.Tensor | None = None

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, rotary_emb=None):
        query = attn.norm_q(attn.to_q(hidden_states)).unflatten(2, (attn.heads, -1)).transpose(1, 2)
        key = attn.norm_k(attn.to_k(encoder_hidden_states)).unflatten(2, (attn.heads, -1)).transpose(1, 2)
        value = attn.to_v(encoder_hidden_states).unflatten(2, (attn.heads, -1)).transpose(1, 2)
        bias = FoldedTextProcessor.bias.to(query.dtype)[None, None, None]
        out = F.scaled_dot_product_attention(query, key.to(query.dtype), value.to(query.dtype), attn_mask=bias)
        return attn.to_out[1](attn.to_out[0](out.transpose(1, 2).flatten(2, 3).type_as(hidden_states)))


def foldTextPadding(model: WanVACETransformer3DModel) -> None:
    """Makes every cross-attention of the model expect rows from `foldedRows`."""
    for block in [*model.blocks, *model.vace_blocks]:
        block.attn2.set_processor(FoldedTextProcessor())


def keepStreamExact(model: WanVACETransformer3DModel) -> None:
    """Runs the layers that copy noise and plate into and out of the stream in float32 inside an autocast region: in bfloat16
    they would round both by half a percent, and the stream, which then is float32, at every block again."""
    for layer in (model.patch_embedding, model.vace_patch_embedding, model.proj_out, model.vace_blocks[0].proj_in,
                  *(block.proj_out for block in model.vace_blocks)):
        def exact(x, forward=layer.forward):
            with torch.autocast(x.device.type, enabled=False):
                return forward(x.float())

        layer.forward = exact


def foldedRows(rows: torch.Tensor) -> torch.Tensor:
    """Text rows [B,N,width] (zeros past each prompt) to [B,N+1,width] with the padding row, and sets its weight."""
    bias = rows.new_zeros(rows.shape[1] + 1, dtype=torch.float32)
    bias[-1] = math.log(TEXT_ROWS - rows.shape[1])
    FoldedTextProcessor.bias = bias
    return F.pad(rows, (0, 0, 0, 1))


def makeModules(form: dict, vocabulary: int, device: torch.device) -> dict[str, torch.nn.Module]:
    """A fresh "transformer" (`form`: makeTransformer's arguments) and "text" encoder, ready for flowVelocity."""
    modules = {"transformer": makeTransformer(**form).to(device), "text": makeTextEncoder(vocabulary).to(device)}
    foldTextPadding(modules["transformer"])
    keepStreamExact(modules["transformer"])
    return modules


def flowVelocity(modules: dict[str, torch.nn.Module], noisy: torch.Tensor, sigma: torch.Tensor, control: torch.Tensor,
                 tokens: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """The velocity, noise - clean, of latents [B,z,T,h,w] with noise `sigma` [B] in [0,1], under VACE's condition
    [B,2z+64,T,h,w] and prompts as Tokens gives them."""
    ids, mask = (x.to(noisy.device) for x in tokens)
    with halfPrecision(noisy.device):
        rows = foldedRows(encodeText(modules["text"], ids, mask))
        return modules["transformer"](noisy, sigma * 1000, rows, control_hidden_states=control, return_dict=False)[0].float()


class Tokens:
    """Prompts to ids with SentencePiece, as the pipeline's tokenizer gives them (</s> appended)."""

    def __init__(self, spiecePath):
        import sentencepiece

        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(spiecePath))

    def __len__(self) -> int:
        return self.processor.get_piece_size()

    def __call__(self, prompts: list[str], rows: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and mask [B,N], N the longest prompt's length, or `rows` where that is more."""
        ids = [self.processor.encode(" ".join(p.split()))[: TEXT_ROWS - 2] + [1] for p in prompts]
        longest = max(rows, *map(len, ids))
        padded = torch.tensor([i + [0] * (longest - len(i)) for i in ids])
        mask = torch.tensor([[1] * len(i) + [0] * (longest - len(i)) for i in ids])
        return padded, mask


def encodeText(encoder: UMT5EncoderModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Rows [B,N,width], zero past each prompt's end."""
    return encoder(ids, mask).last_hidden_state * mask[..., None]
