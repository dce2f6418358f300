r"""
# Hugging Face on the Other Side

What [BERT](bert.html) and [GPT-2](gpt2.html) share: layers of ours that drop where theirs do, the
check that all sides are the same function, and a step of training, which is one code for all.

Before anything is measured, a process of its own has copied weights from one side to the others. It
tells

$$\max_s \ell_s - \min_s \ell_s$$

with $\ell_s$ the loss of side $s$ for the same batch, without dropout, and the numbers of
parameters. A difference ends the measurement.
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from _sides import Gate, Side, leave, need, options

# Our blocks are found wherever the script is started.
sys.path.insert(0, str(Path(__file__).parent.parent))
# The shape of the main experiment
MAIN = dict(n_layers=6, d_model=128, d_ff=256, n_heads=8, n_tokens=67, seq_len=32, batch=64)
EPS, DROPOUT, N_BATCHES = 1e-5, 0.1, 8


def asked() -> dict[str, int]:
    """The options of a measurement, which needs the peer"""
    found = options(sys.argv[1:], n_steps=5, n_rounds=9, is_fused=1, scale=1)
    need("transformers", "'labnn[hf]'")
    return found


def our_encoder(
    shape: dict[str, int],
    *,
    activation: Any,
    is_pre_norm: bool,
    dropout: float,
    attention: Any = None,
) -> Any:
    """
    Layers of ours; nothing is dropped inside the feed-forward network, as there

    * `activation` is that of the feed-forward network
    * `attention` is the class of the attention, `MultiHeadAttention` if it is `None`
    """
    from labnn.layers.layer_norm import LayerNorm
    from labnn.transformers import Encoder, FeedForward, MultiHeadAttention, TransformerLayer

    d_model = shape["d_model"]

    def make_layer() -> TransformerLayer:
        """One layer"""
        return TransformerLayer(
            d_model,
            self_attn=(attention or MultiHeadAttention)(
                d_model, n_heads=shape["n_heads"], dropout_prob=dropout
            ),
            feed_forward=FeedForward(
                d_model, d_ff=shape["d_ff"], dropout_prob=0.0, activation=activation
            ),
            dropout_prob=dropout,
            is_pre_norm=is_pre_norm,
        )

    norm = LayerNorm(d_model, EPS) if is_pre_norm else None
    return Encoder(make_layer, n_layers=shape["n_layers"], norm=norm)


def stirred(model: Any, amount: float) -> None:
    """
    Move all weights a little: fresh offsets are zero, and would hide one that is missing.
    """
    import torch

    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=amount)


def tell(connection: Any, models: list, losses: list) -> None:
    """
    A side that tells losses and numbers of parameters, and does nothing else

    * `losses` has a function without arguments for each model
    """
    import torch

    with torch.no_grad():
        found = [float(loss()) for loss in losses]
    sizes = [sum(p.numel() for p in model.parameters()) for model in models]
    gate = Gate(connection, lambda: {"losses": found, "sizes": sizes})
    while True:
        gate()


def checked(name: str, check: Callable, shape: dict[str, int], within: float) -> None:
    """
    Leave if the sides are not all the same function.

    * `check` is called with a connection and `shape`, in a process of its own, and ends with `tell`
    """
    side = Side("check", check, shape)
    report = side.turn(1)
    side.close()
    losses, sizes = report["losses"], report["sizes"]
    if not max(losses) - min(losses) < within or len(set(sizes)) > 1:
        leave(f"{name}: the losses are {losses}, the sizes {sizes}: not the same work")
    told = ", ".join(f"{loss:.6f}" for loss in losses)
    print(f"{name}: same loss, {told}; {sizes[0]:,} parameters each")


def optimizer_of(model: Any, is_ours: bool, is_fused: bool) -> Any:
    """AdamW of each library"""
    import torch

    if not is_ours:
        return torch.optim.AdamW(model.parameters(), lr=1e-4, fused=is_fused)
    from labnn.optimizers import AdamW

    return AdamW(model.parameters(), lr=1e-4)


def step_of(model: Any, optimizer: Any, loss_of: Any, is_bf16: bool, device: str = "cpu") -> Any:
    """A whole step of training, the same for both sides"""
    import torch

    # The parameters do not change, and looking them up in each step is no part of the work.
    parameters = list(model.parameters())

    def step(ids: Any, labels: Any) -> None:
        """Forward, backward, clipping, update"""
        context = torch.autocast(device, dtype=torch.bfloat16) if is_bf16 else nullcontext()
        with context:
            loss = loss_of(model, ids, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def endless(connection: Any, step: Callable, made: list[tuple], is_ours: bool) -> None:
    """
    A side: steps over a few batches, again and again

    * `made` are ids and labels with the batch first; ours wants the sequence first
    """
    if is_ours:
        made = [(ids.T.contiguous(), labels.T.contiguous()) for ids, labels in made]
    gate = Gate(connection)
    while True:
        for ids, labels in made:
            gate()
            step(ids, labels)
