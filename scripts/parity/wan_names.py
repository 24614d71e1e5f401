"""Names of Wan's, VACE's and GGUF's files for tensors that diffusers and transformers name otherwise.

diffusers has the way there (loaders/single_file_utils.py); this is the way back, and the fixture makers check that
diffusers' converters undo it.
"""

import re

TRANSFORMER = [
    ("condition_embedder.time_embedder.linear_1.", "time_embedding.0."),
    ("condition_embedder.time_embedder.linear_2.", "time_embedding.2."),
    ("condition_embedder.text_embedder.linear_1.", "text_embedding.0."),
    ("condition_embedder.text_embedder.linear_2.", "text_embedding.2."),
    ("condition_embedder.time_proj.", "time_projection.1."),
    ("condition_embedder.image_embedder.norm1.", "img_emb.proj.0."),
    ("condition_embedder.image_embedder.ff.net.0.proj.", "img_emb.proj.1."),
    ("condition_embedder.image_embedder.ff.net.2.", "img_emb.proj.3."),
    ("condition_embedder.image_embedder.norm2.", "img_emb.proj.4."),
    (".add_k_proj.", ".k_img."), (".add_v_proj.", ".v_img."), (".norm_added_k.", ".norm_k_img."),
    (".attn1.", ".self_attn."), (".attn2.", ".cross_attn."),
    (".to_q.", ".q."), (".to_k.", ".k."), (".to_v.", ".v."), (".to_out.0.", ".o."),
    (".norm2.", ".norm3."), (".ffn.net.0.proj.", ".ffn.0."), (".ffn.net.2.", ".ffn.2."),
    (".scale_shift_table", ".modulation"), (".proj_in.", ".before_proj."), (".proj_out.", ".after_proj."),
]  # fmt: skip


def wan_transformer_name(name: str) -> str:
    if name == "scale_shift_table":
        return "head.modulation"
    if name.startswith("proj_out."):
        return "head.head." + name.removeprefix("proj_out.")
    for ours, theirs in TRANSFORMER:
        name = name.replace(ours, theirs)
    return name


RESIDUAL = [("norm1.", "residual.0."), ("conv1.", "residual.2."), ("norm2.", "residual.3."), ("conv2.", "residual.6."),
            ("conv_shortcut.", "shortcut.")]  # fmt: skip
VAE = [
    (r"^quant_conv\.", "conv1."), (r"^post_quant_conv\.", "conv2."),
    (r"coder\.conv_in\.", "coder.conv1."), (r"coder\.norm_out\.", "coder.head.0."), (r"coder\.conv_out\.", "coder.head.2."),
    (r"coder\.mid_block\.resnets\.0\.", "coder.middle.0."), (r"coder\.mid_block\.resnets\.1\.", "coder.middle.2."),
    (r"coder\.mid_block\.attentions\.0\.", "coder.middle.1."), (r"^encoder\.down_blocks\.", "encoder.downsamples."),
]  # fmt: skip


def wan_vae_name(name: str) -> str:
    """Of a VAE with two residual blocks a stage, as the published one."""
    for ours, theirs in VAE:
        name = re.sub(ours, theirs, name)
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.resnets\.(\d)\.",
                  lambda m: f"decoder.upsamples.{4 * int(m[1]) + int(m[2])}.", name)  # fmt: skip
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"decoder.upsamples.{4 * int(m[1]) + 3}.", name)
    if re.search(r"\.(middle\.[02]|(down|up)samples\.\d+)\.(norm|conv)", name):
        for ours, theirs in RESIDUAL:
            name = re.sub(rf"\.{re.escape(ours)}", f".{theirs}", name, count=1)
    return name


CLIP = {
    "wan": {"embeddings.class_embedding": "cls_embedding", "embeddings.position_embedding.weight": "pos_embedding",
            "embeddings.": "", "pre_layrnorm": "pre_norm", "post_layernorm": "post_norm", "encoder.layers": "transformer",
            "layer_norm": "norm", "self_attn.qkv": "attn.to_qkv", "self_attn.out_proj": "attn.proj", "mlp.fc1": "mlp.0",
            "mlp.fc2": "mlp.2"},
    "open": {"embeddings.class_embedding": "class_embedding", "embeddings.patch_embedding": "conv1",
             "embeddings.position_embedding.weight": "positional_embedding", "pre_layrnorm": "ln_pre",
             "post_layernorm": "ln_post", "encoder.layers": "transformer.resblocks", "layer_norm": "ln_",
             "self_attn.qkv.": "attn.in_proj_", "self_attn": "attn", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"},
}  # fmt: skip


def clip_state(state: dict, style: str) -> dict:
    """A vision tower's tensors as Wan's (wan/modules/clip.py) or OpenCLIP's release has them, where q, k and v are one."""
    import torch

    out = {}
    for name, tensor in state.items():
        if ".k_proj." in name or ".v_proj." in name:
            continue
        if ".q_proj." in name:
            tensor = torch.cat([state[name.replace(".q_proj.", f".{part}_proj.")] for part in "qkv"])
            name = name.replace(".q_proj.", ".qkv.")
        if style == "wan" and name == "embeddings.class_embedding":
            tensor = tensor.view(1, 1, -1)
        if style == "wan" and "position_embedding" in name:
            tensor = tensor.unsqueeze(0)
        for ours, theirs in CLIP[style].items():
            name = name.replace(ours, theirs)
        out["visual." + name] = tensor
    return out


TEXT = [
    ("layer.0.layer_norm", "norm1"), ("layer.0.SelfAttention.relative_attention_bias", "pos_embedding.embedding"),
    ("layer.0.SelfAttention", "attn"), ("layer.1.layer_norm", "norm2"), ("layer.1.DenseReluDense.wi_0", "ffn.gate.0"),
    ("layer.1.DenseReluDense.wi_1", "ffn.fc1"), ("layer.1.DenseReluDense.wo", "ffn.fc2"),
    ("encoder.block.", "blocks."), ("encoder.final_layer_norm", "norm"), ("shared", "token_embedding"),
]  # fmt: skip


def wan_text_name(name: str) -> str:
    for ours, theirs in TEXT:
        name = name.replace(ours, theirs)
    return name


def gguf_text_name(name: str) -> str:
    """By the gguf package's own table."""
    import gguf

    module, _, leaf = name.rpartition(".")
    return gguf.get_tensor_name_map(gguf.MODEL_ARCH.T5ENCODER, 64).get_name(module) + "." + leaf
