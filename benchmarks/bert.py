r"""
# BERT against Hugging Face

    python benchmarks/bert.py [n_steps=5] [n_rounds=9] [is_fused=1] [scale=1]

What is measured: a step of training a masked language model, that is forward, loss, backward,
clipping at a norm of 1, and AdamW. Against what: `BertForMaskedLM` of transformers, with
`attn_implementation="sdpa"` and torch's AdamW, fused (what its `Trainer` takes) unless
`is_fused=0`. Two shapes,

| shape | layers | features | inside | heads | vocabulary | length | batch | precision |
|---|---|---|---|---|---|---|---|---|
| main | 6 | 128 | 256 | 8 | 67 | 32 | 64 | fp32 |
| BERT | 4 | 256 | 1,024 | 4 | 30,522 | 128 | 32 | fp32 and bf16 under autocast |

**How fairness is kept.** Both are the same function: post-norm layers, GELU, learned positions,
token types, a normalization of the embeddings, and a head of dense layer, GELU, normalization and
the table of the tokens with an offset. Before anything is measured, a process of its own copies the
weights from one to the other, takes dropout away and compares the losses and the numbers of
parameters; a difference above 1e-4 ends the measurement. Dropout is 0.1 on both sides at the same
places (embeddings, attention weights, and before each sum). 15 % of the positions have a label,
and both get the same batches in the layout that they want; ours finds the positions of the labels
itself, within the clock. What differs is what is to be compared: kernels, layouts, and that ours
computes logits only where there is a label.

Each side is a process of its own, and they take [turns](_sides.html). Both are also measured
[compiled](../labnn/transformers/compiled.html), theirs as a whole and ours by its layers, in turns
that are not counted. `scale=8` divides the batch, to try the script. What [GPT-2](gpt2.html) needs
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
    "main": MAIN,
    "BERT": dict(
        n_layers=4, d_model=256, d_ff=1024, n_heads=4, n_tokens=30_522, seq_len=128, batch=32
    ),
}
IGNORED = -100


def batches(shape: dict[str, int], batch: int, n_batches: int = N_BATCHES) -> list[tuple]:
    """Ids and labels with the batch first, the same in every process. 15 % have a label."""
    import torch

    generator = torch.Generator().manual_seed(0)
    n, made = batch * shape["seq_len"], []
    for _ in range(n_batches):
        ids = torch.randint(shape["n_tokens"], (n,), generator=generator)
        labels = torch.full_like(ids, IGNORED)
        chosen = torch.randperm(n, generator=generator)[: round(0.15 * n)]
        labels[chosen] = torch.randint(shape["n_tokens"], chosen.shape, generator=generator)
        made.append((ids.view(batch, -1), labels.view(batch, -1)))
    return made


def their_model(shape: dict[str, int], dropout: float = DROPOUT) -> Any:
    """Hugging Face's, with random weights: nothing is downloaded."""
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=shape["n_tokens"],
        hidden_size=shape["d_model"],
        num_hidden_layers=shape["n_layers"],
        num_attention_heads=shape["n_heads"],
        intermediate_size=shape["d_ff"],
        max_position_embeddings=shape["seq_len"],
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        layer_norm_eps=EPS,
        attn_implementation="sdpa",
    )
    return BertForMaskedLM(config)


def our_model(shape: dict[str, int], dropout: float = DROPOUT, attention: Any = None) -> Any:
    """
    The same of our blocks

    * `attention` is the class of the attention, `MultiHeadAttention` if it is `None`
    """
    from torch import nn

    from labnn.layers.dropout import Dropout
    from labnn.layers.layer_norm import LayerNorm
    from labnn.models.transformer_mlm import TransformerMLM

    d_model, n_tokens = shape["d_model"], shape["n_tokens"]

    class BertEmbeddings(nn.Module):
        """Tokens, positions and types, normalized"""

        def __init__(self):
            """Small weights, as BERT has them"""
            super().__init__()
            self.tokens = nn.Embedding(n_tokens, d_model)
            self.positions = nn.Embedding(shape["seq_len"], d_model)
            self.types = nn.Embedding(2, d_model)
            for part in (self.tokens, self.positions, self.types):
                nn.init.normal_(part.weight, std=0.02)
            self.norm, self.dropout = LayerNorm(d_model, EPS), Dropout(dropout)

        def forward(self, x: Any) -> Any:
            """All tokens are of the first type, so its vector joins those of the positions."""
            places = self.positions.weight[: len(x)] + self.types.weight[0]
            return self.dropout(self.norm(self.tokens(x) + places.unsqueeze(1)))

    class BertHead(nn.Module):
        """A transform of the features, and the table of the tokens"""

        def __init__(self, table: nn.Parameter):
            """The table is shared with the embeddings."""
            super().__init__()
            self.dense, self.norm = nn.Linear(d_model, d_model), LayerNorm(d_model, EPS)
            self.decoder = nn.Linear(d_model, n_tokens)
            self.decoder.weight = table

        def forward(self, x: Any) -> Any:
            """Features to logits"""
            return self.decoder(self.norm(nn.functional.gelu(self.dense(x))))

    embeddings = BertEmbeddings()
    encoder = our_encoder(
        shape, activation=nn.GELU(), is_pre_norm=False, dropout=dropout, attention=attention
    )
    head = BertHead(embeddings.tokens.weight)
    return TransformerMLM(encoder=encoder, src_embed=embeddings, generator=head)


def their_loss(model: Any, ids: Any, labels: Any) -> Any:
    """Hugging Face's own, over all positions"""
    return model(input_ids=ids, labels=labels).loss


def our_loss(model: Any, ids: Any, labels: Any) -> Any:
    """Over the positions with a label; ids and labels have the sequence first"""
    from torch.nn import functional as F

    labels = labels.flatten()
    positions = (labels != IGNORED).nonzero().squeeze(-1)
    logits, _ = model(ids, positions=positions)
    return F.cross_entropy(logits.float(), labels[positions])


def copied(theirs: Any, ours: Any) -> None:
    """Their weights in our model"""
    pairs = [
        (ours.src_embed.tokens, theirs.bert.embeddings.word_embeddings),
        (ours.src_embed.positions, theirs.bert.embeddings.position_embeddings),
        (ours.src_embed.types, theirs.bert.embeddings.token_type_embeddings),
        (ours.src_embed.norm, theirs.bert.embeddings.LayerNorm),
        (ours.generator.dense, theirs.cls.predictions.transform.dense),
        (ours.generator.norm, theirs.cls.predictions.transform.LayerNorm),
        (ours.generator.decoder, theirs.cls.predictions.decoder),
    ]
    for own, other in zip(ours.encoder.layers, theirs.bert.encoder.layer, strict=True):
        pairs += [
            (own.self_attn.to_query, other.attention.self.query),
            (own.self_attn.to_key, other.attention.self.key),
            (own.self_attn.to_value, other.attention.self.value),
            (own.self_attn.to_output, other.attention.output.dense),
            (own.norm_attn, other.attention.output.LayerNorm),
            (own.feed_forward.expand, other.intermediate.dense),
            (own.feed_forward.contract, other.output.dense),
            (own.norm_feed_forward, other.output.LayerNorm),
        ]
    for own, other in pairs:
        # Only the names of the gain of a normalization differ; both have weights first.
        for mine, its in zip(own.parameters(), other.parameters(), strict=True):
            mine.data.copy_(its.data)


def check(connection: Any, shape: dict[str, int]) -> None:
    """A side that tells the two losses of one batch, and the numbers of parameters"""
    theirs, ours = their_model(shape, dropout=0.0), our_model(shape, dropout=0.0)
    stirred(theirs, 0.02)
    copied(theirs, ours)
    ((ids, labels),) = batches(shape, batch=2, n_batches=1)
    losses = [
        lambda: their_loss(theirs, ids, labels),
        lambda: our_loss(ours, ids.T, labels.T),
    ]
    tell(connection, [theirs, ours], losses)


def train(
    connection: Any,
    is_ours: bool,
    is_compiled: bool,
    shape: dict[str, int],
    batch: int,
    is_bf16: bool,
    is_fused: bool,
) -> None:
    """A side: steps of training"""
    import torch

    torch.manual_seed(0)
    model = (our_model if is_ours else their_model)(shape).train()
    if is_compiled:
        model.compile(dynamic=False)
    optimizer = optimizer_of(model, is_ours, is_fused)
    step = step_of(model, optimizer, our_loss if is_ours else their_loss, is_bf16)
    endless(connection, step, batches(shape, batch), is_ours)


def main() -> None:
    """Check and measure each shape."""
    given = asked()
    print(header("transformers", "labnn"), flush=True)
    for name, shape in SHAPES.items():
        checked(name, check, shape, within=1e-4)
        batch = max(shape["batch"] // given["scale"], 1)
        for is_bf16 in (False, True) if name == "BERT" else (False,):
            bits = "bf16" if is_bf16 else "fp32"
            same = (shape, batch, is_bf16, bool(given["is_fused"]))
            found = [
                Side(f"{name}, {bits}: Hugging Face", train, False, False, *same),
                Side("Hugging Face, compiled", train, False, True, *same),
                Side(f"{name}, {bits}: labnn", train, True, False, *same),
                Side("labnn, compiled", train, True, True, *same),
            ]
            times = take_turns(found, given["n_rounds"], given["n_steps"])
            print(table(found, times, batch * shape["seq_len"]), "\n", flush=True)
            for side in found:
                side.close()


if __name__ == "__main__":
    main()
