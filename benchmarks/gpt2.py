r"""
# GPT-2 against Hugging Face

    python benchmarks/gpt2.py [n_steps=5] [n_rounds=9] [is_fused=1] [scale=1]

What is measured: a step of training a causal language model in fp32, that is forward, loss,
backward, clipping at a norm of 1, and AdamW. Against what: `GPT2LMHeadModel` of transformers, with
`attn_implementation="sdpa"` and torch's AdamW, fused unless `is_fused=0`. Two shapes,

| shape | layers | features | inside | heads | vocabulary | length | batch |
|---|---|---|---|---|---|---|---|
| words | 4 | 256 | 1,024 | 4 | 14,000 | 64 | 16 |
| main | 6 | 128 | 256 | 8 | 67 | 32 | 64 |

**How fairness is kept.** Both are the same function: pre-norm layers with causal attention, GELU by
its approximation with $\tanh$, learned positions, one normalization at the end, and the table of
the tokens as output, without an offset. Before anything is measured, a process of its own copies
the weights from one to the other, takes dropout away and compares the losses and the numbers of
parameters; a difference above 1e-5 ends the measurement. Dropout is 0.1 on both sides at the same
places (the sum of token and position, attention weights, and before each sum). The loss is over all
positions, by what each library has for it, and both get the same batches in the layout that they
want.

Theirs keeps no keys and values for a text that goes on (`use_cache=False`), which is what its
`Trainer` does. As it comes, it computes GELU in eight operations of torch, the activation
`gelu_new`; that is the peer of the ratios. The same with torch's single operation,
`gelu_pytorch_tanh`, which is what ours has, is a row of its own.

Each side is a process of its own, and they take [turns](_sides.html). Both are also measured
[compiled](../labnn/transformers/compiled.html), theirs as a whole and ours by its layers, in turns
that are not counted. `scale=8` divides the batch, to try the script. What [BERT](bert.html) needs
as well is [elsewhere](_hugging_face.html).
"""

from typing import Any

from _hugging_face import (
    DROPOUT,
    EPS,
    MAIN,
    N_BATCHES,
    asked,
    checked,
    endless,
    optimizer_of,
    our_encoder,
    step_of,
    stirred,
    tell,
)
from _sides import Side, header, table, take_turns

SHAPES = {
    "words": dict(
        n_layers=4, d_model=256, d_ff=1024, n_heads=4, n_tokens=14_000, seq_len=64, batch=16
    ),
    "main": MAIN,
}
AS_IT_COMES, FUSED = "gelu_new", "gelu_pytorch_tanh"


def batches(shape: dict[str, int], batch: int, n_batches: int = N_BATCHES) -> list[tuple]:
    """Ids with the batch first, and the same text one token further as labels"""
    import torch

    generator = torch.Generator().manual_seed(0)
    size = (n_batches, batch, shape["seq_len"] + 1)
    texts = torch.randint(shape["n_tokens"], size, generator=generator)
    return [(text[:, :-1].contiguous(), text[:, 1:].contiguous()) for text in texts]


def their_model(shape: dict[str, int], gelu: str, dropout: float = DROPOUT) -> Any:
    """Hugging Face's, with random weights: nothing is downloaded."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=shape["n_tokens"],
        n_positions=shape["seq_len"],
        n_embd=shape["d_model"],
        n_layer=shape["n_layers"],
        n_head=shape["n_heads"],
        n_inner=shape["d_ff"],
        activation_function=gelu,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        layer_norm_epsilon=EPS,
        use_cache=False,
        bos_token_id=0,
        eos_token_id=0,
        attn_implementation="sdpa",
    )
    model = GPT2LMHeadModel(config)
    # What it takes anyway, after a warning in each process.
    model.loss_type = "ForCausalLM"
    return model


def our_model(shape: dict[str, int], dropout: float = DROPOUT) -> Any:
    """The same of our blocks"""
    from torch import nn

    from labnn.layers.dropout import Dropout
    from labnn.models.transformer_lm import TransformerLM

    d_model, n_tokens = shape["d_model"], shape["n_tokens"]

    class GPT2Embeddings(nn.Module):
        """Tokens and positions; unlike our own embeddings it scales neither"""

        def __init__(self):
            """Small weights, as GPT-2 has them"""
            super().__init__()
            self.tokens = nn.Embedding(n_tokens, d_model)
            self.positions = nn.Embedding(shape["seq_len"], d_model)
            for part in (self.tokens, self.positions):
                nn.init.normal_(part.weight, std=0.02)
            self.dropout = Dropout(dropout)

        def forward(self, x: Any, places: Any = None) -> Any:
            """Ids to features; `places` are the positions where they are not 0, 1, ..."""
            if places is None:
                vectors = self.positions.weight[: len(x)].unsqueeze(1)
            else:
                vectors = self.positions(places)
            return self.dropout(self.tokens(x) + vectors)

    embeddings = GPT2Embeddings()
    gelu = nn.GELU(approximate="tanh")
    encoder = our_encoder(shape, activation=gelu, is_pre_norm=True, dropout=dropout)
    generator = nn.Linear(d_model, n_tokens, bias=False)
    generator.weight = embeddings.tokens.weight
    return TransformerLM(encoder=encoder, src_embed=embeddings, generator=generator)


def their_loss(model: Any, ids: Any, labels: Any) -> Any:
    """Hugging Face's own; labels that are shifted already, or it would leave the last one out"""
    return model(input_ids=ids, labels=labels, shift_labels=labels).loss


def our_loss(model: Any, ids: Any, labels: Any) -> Any:
    """Our own, as a mean; ids and labels have the sequence first"""
    from labnn.losses import cross_entropy

    total, count = cross_entropy(model(ids)[0], labels)
    return total / count


def copied(theirs: Any, ours: Any) -> None:
    """Their weights in our model"""
    body = theirs.transformer
    pairs = [
        (ours.src_embed.tokens, [body.wte.weight]),
        (ours.src_embed.positions, [body.wpe.weight]),
        (ours.encoder.norm, [body.ln_f.weight, body.ln_f.bias]),
    ]
    for own, other in zip(ours.encoder.layers, body.h, strict=True):
        # Theirs multiplies from the other side, and has queries, keys and values in one table.
        weights = other.attn.c_attn.weight.T.chunk(3)
        offsets = other.attn.c_attn.bias.chunk(3)
        attn = own.self_attn
        for part, *both in zip(
            (attn.to_query, attn.to_key, attn.to_value), weights, offsets, strict=True
        ):
            pairs.append((part, both))
        for part, table_ in (
            (attn.to_output, other.attn.c_proj),
            (own.feed_forward.expand, other.mlp.c_fc),
            (own.feed_forward.contract, other.mlp.c_proj),
        ):
            pairs.append((part, [table_.weight.T, table_.bias]))
        pairs.append((own.norm_attn, [other.ln_1.weight, other.ln_1.bias]))
        pairs.append((own.norm_feed_forward, [other.ln_2.weight, other.ln_2.bias]))
    for own, others in pairs:
        for mine, its in zip(own.parameters(), others, strict=True):
            mine.data.copy_(its.data)


def check(connection: Any, shape: dict[str, int]) -> None:
    """A side that tells the losses of one batch, and the numbers of parameters"""
    theirs = {gelu: their_model(shape, gelu, dropout=0.0) for gelu in (AS_IT_COMES, FUSED)}
    ours, first = our_model(shape, dropout=0.0), theirs[AS_IT_COMES]
    # Small weights would hide which GELU it is.
    stirred(first, 0.1)
    theirs[FUSED].load_state_dict(first.state_dict())
    copied(first, ours)
    ((ids, labels),) = batches(shape, batch=2, n_batches=1)
    losses = [
        lambda: their_loss(first, ids, labels),
        lambda: their_loss(theirs[FUSED], ids, labels),
        lambda: our_loss(ours, ids.T, labels.T),
    ]
    tell(connection, [*theirs.values(), ours], losses)


def train(
    connection: Any,
    gelu: str | None,
    is_compiled: bool,
    shape: dict[str, int],
    batch: int,
    is_fused: bool,
) -> None:
    """
    A side: steps of training

    * `gelu` is the activation of theirs, or `None` for ours
    """
    import torch

    torch.manual_seed(0)
    is_ours = gelu is None
    model = (our_model(shape) if is_ours else their_model(shape, gelu)).train()
    if is_compiled:
        model.compile(dynamic=False)
    optimizer = optimizer_of(model, is_ours, is_fused)
    step = step_of(model, optimizer, our_loss if is_ours else their_loss, is_bf16=False)
    endless(connection, step, batches(shape, batch), is_ours)


def main() -> None:
    """Check and measure each shape."""
    given = asked()
    print(header("transformers", "labnn"), flush=True)
    for name, shape in SHAPES.items():
        checked(name, check, shape, within=1e-5)
        batch = max(shape["batch"] // given["scale"], 1)
        same = (shape, batch, bool(given["is_fused"]))
        found = [
            Side(f"{name}: Hugging Face", train, AS_IT_COMES, False, *same),
            Side("the same, fused GELU", train, FUSED, False, *same),
            Side("Hugging Face, compiled", train, AS_IT_COMES, True, *same),
            Side(f"{name}: labnn", train, None, False, *same),
            Side("labnn, compiled", train, None, True, *same),
        ]
        times = take_turns(found, given["n_rounds"], given["n_steps"])
        print(table(found, times, batch * shape["seq_len"]), "\n", flush=True)
        for side in found:
            side.close()


if __name__ == "__main__":
    main()
