r"""
# Generation against GPT-2 of Hugging Face

    python benchmarks/generation.py [n_tokens=256] [n_rounds=5]

What is measured: writing `n_tokens` tokens behind a prompt of 16, the best one each time, for one
text and for eight side by side, in fp32. Against what: `generate` of transformers' GPT-2 with its
cache, and our own model without a cache. The shapes are

| shape | layers | features | inside | heads | vocabulary |
|---|---|---|---|---|---|
| small | 6 | 128 | 256 | 8 | 67 |
| words | 4 | 256 | 1,024 | 4 | 14,000 |

**How fairness is kept.** All sides are the same function with the same weights, as
[gpt2.py](gpt2.html) has it, and before anything is measured, a process of its own compares the
tokens that they write; one that differs ends the measurement. Theirs has the GELU that it has by
itself only where that is a single operation (`gelu_pytorch_tanh`), so that the activation is no
part of the difference. Ours is `decode` with `cached_step`, and reads its
weights anew at the beginning of each text, as a command would.

Each side is a process of its own, and they take [turns](_sides.html); a turn is one text, or eight.
"""

import sys
from typing import Any

from _sides import Gate, Side, header, leave, need, options, table, take_turns
from gpt2 import FUSED, copied, our_model, their_model

N_PROMPT = 16
SHAPES = {
    "small": dict(n_layers=6, d_model=128, d_ff=256, n_heads=8, n_tokens=67),
    "words": dict(n_layers=4, d_model=256, d_ff=1024, n_heads=4, n_tokens=14_000),
}
THEIRS, PLAIN, CACHED = "Hugging Face", "labnn, no cache", "labnn"


def prompts(shape: dict[str, int], batch: int) -> Any:
    """Random ids with the batch first"""
    import torch

    generator = torch.Generator().manual_seed(0)
    return torch.randint(shape["n_tokens"], (batch, N_PROMPT), generator=generator)


def writers(shape: dict[str, int], n_tokens: int) -> dict[str, Any]:
    """For each side a function of ids, batch first, that returns the new ones in the same order"""
    import torch

    from labnn.generation import decode, greedy, without_cache
    from labnn.transformers.chosen import last_positions
    from labnn.transformers.kv_cache import cached_step

    torch.manual_seed(0)
    theirs = their_model(shape, FUSED, dropout=0.0).eval()
    ours = our_model(shape, dropout=0.0).eval()
    # Weights as small as they begin would write one token all the time.
    for parameter in theirs.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.1)
    copied(theirs, ours)

    def last_logits(ids: Any, lengths: Any) -> Any:
        """Of all that was read only the last row is asked for."""
        return ours(ids, last_positions(ids))[0]

    def write(step: Any, ids: Any) -> Any:
        """Our loop; ids have the sequence first there"""
        return torch.stack([*decode(step, ids.T, greedy, n_new_tokens=n_tokens)]).T

    def generate(ids: Any) -> Any:
        """Theirs, without anything that ends a text early"""
        found = theirs.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=n_tokens,
            min_new_tokens=n_tokens,
            do_sample=False,
            use_cache=True,
            pad_token_id=0,
            eos_token_id=None,
        )
        return found[:, N_PROMPT:]

    return {
        THEIRS: generate,
        PLAIN: lambda ids: write(without_cache(last_logits), ids),
        CACHED: lambda ids: write(cached_step(ours), ids),
    }


def check(connection: Any, shape: dict[str, int], n_tokens: int) -> None:
    """A side that tells how many tokens are those of Hugging Face, and how many there are"""
    ids = prompts(shape, 3)
    found = {name: write(ids) for name, write in writers(shape, n_tokens).items()}
    same = {name: int((tokens == found[THEIRS]).sum()) for name, tokens in found.items()}
    n_kinds = len(found[THEIRS].unique())
    gate = Gate(connection, lambda: {"same": same, "n": found[THEIRS].numel(), "kinds": n_kinds})
    while True:
        gate()


def checked(name: str, shape: dict[str, int], n_tokens: int) -> None:
    """Leave if the sides do not write the same."""
    side = Side("check", check, shape, n_tokens)
    report = side.turn(1)
    side.close()
    if {*report["same"].values()} != {report["n"]}:
        leave(f"{name}: of {report['n']} tokens {report['same']} are the same: not the same work")
    print(
        f"{name}: all sides write the same {report['n']} tokens, {report['kinds']} different ones"
    )


def text(connection: Any, name: str, shape: dict[str, int], n_tokens: int, batch: int) -> None:
    """A side: texts, again and again"""
    write, ids = writers(shape, n_tokens)[name], prompts(shape, batch)
    gate = Gate(connection)
    while True:
        gate()
        write(ids)


def main() -> None:
    """Check and measure each shape."""
    given = options(sys.argv[1:], n_tokens=256, n_rounds=5)
    need("transformers", "'labnn[hf]'")
    n_tokens = given["n_tokens"]
    print(header("transformers", "labnn"), flush=True)
    for name, shape in SHAPES.items():
        shape = shape | {"seq_len": N_PROMPT + n_tokens}
        checked(name, shape, n_tokens)
        for batch in (1, 8):
            found = [
                Side(f"{name} x {batch}: {side}", text, side, shape, n_tokens, batch)
                for side in (THEIRS, PLAIN, CACHED)
            ]
            times = take_turns(found, given["n_rounds"], 1)
            print(table(found, times, batch * n_tokens), "\n", flush=True)
            for side in found:
                side.close()


if __name__ == "__main__":
    main()
