"""Torch's own transformer parts with the weights of ours."""

import torch
from torch import nn


def copy_linear(theirs: nn.Linear, ours: nn.Linear) -> None:
    theirs.load_state_dict(ours.state_dict())


def copy_norm(theirs: nn.LayerNorm, ours: nn.Module) -> None:
    theirs.load_state_dict({"weight": ours.gain.detach(), "bias": ours.bias.detach()})


def copy_attention(theirs: nn.MultiheadAttention, ours: nn.Module) -> None:
    projections = (ours.to_query, ours.to_key, ours.to_value)
    state = {
        "in_proj_weight": torch.cat([p.weight.detach() for p in projections]),
        "out_proj.weight": ours.to_output.weight.detach(),
    }
    if ours.to_output.bias is not None:
        state["in_proj_bias"] = torch.cat([p.bias.detach() for p in projections])
        state["out_proj.bias"] = ours.to_output.bias.detach()
    theirs.load_state_dict(state)


def copy_layer(theirs: nn.TransformerEncoderLayer, ours: nn.Module) -> None:
    copy_attention(theirs.self_attn, ours.self_attn)
    copy_linear(theirs.linear1, ours.feed_forward.expand)
    copy_linear(theirs.linear2, ours.feed_forward.contract)
    copy_norm(theirs.norm1, ours.norm_attn)
    copy_norm(theirs.norm2, ours.norm_feed_forward)


def copy_encoder(theirs: nn.TransformerEncoder, ours: nn.Module) -> None:
    for layer, own in zip(theirs.layers, ours.layers, strict=True):
        copy_layer(layer, own)
    if theirs.norm is not None:
        copy_norm(theirs.norm, ours.norm)


def randomize(module: nn.Module) -> nn.Module:
    """Away from the initial ones and zeros, so that a gain or a bias cannot be missing unseen."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def merged(mask: torch.Tensor, n_heads: int, sizes: tuple[int, int, int]) -> torch.Tensor:
    """Our `mask[i, j, b]` as torch's `[batch_size * n_heads, i, j]`, true where forbidden."""
    full = mask.expand(sizes).permute(2, 0, 1)
    return ~full.repeat_interleave(n_heads, dim=0)
