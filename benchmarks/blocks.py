r"""
# Blocks against Their Peers

    python benchmarks/blocks.py [n_calls=5] [n_rounds=15]

What is measured: the parts of the library that are called in each step, forward and backward where
there is a backward, each against what a person would take otherwise: torch's dropout and layer
normalization, `scaled_dot_product_attention` in place of our attention (between the same four
projections), torch's AdamW in its three forms, labml_nn's masking where it is installed, and a
dictionary in place of the character tokenizer.

**How fairness is kept.** Everything is in one process and takes turns: in each round every row of a
table is called a few times, and the round after begins with another row. The table has the median
over the rounds of the time of a call, and the median of the ratios within a round to the first row,
which is the peer. Both get the same tensors, and the gradient of the output is given, so that no
loss is measured. The optimizers have the parameters of the main experiment and equal gradients; ten
more steps do not change what a step costs.
"""

import gzip
import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from _sides import header, options

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
SHIPPED = ROOT / "labnn" / "data" / "shakespeare" / "shakespeare.txt.gz"
# Sequence length, batch, features, heads
SHAPES = {"main experiment": (32, 64, 128, 8), "BERT": (128, 32, 256, 4)}


def compare(title: str, rows: dict[str, Callable], asked: dict, n: int = 0) -> None:
    """
    Print a table; the first row is the peer.

    * `n` is the number of things that a call does, for a rate
    """
    times: dict[str, list[float]] = {name: [] for name in rows}
    for number in range(asked["n_rounds"] + 1):
        first = number % len(rows)
        names = [*rows][first:] + [*rows][:first]
        for name in names:
            begun = time.perf_counter()
            for _ in range(asked["n_calls"]):
                rows[name]()
            # The first round warms up.
            if number:
                times[name].append((time.perf_counter() - begun) / asked["n_calls"])
    print(title)
    peer = times[next(iter(rows))]
    for name, own in times.items():
        middle = statistics.median(own)
        ratio = statistics.median(a / b for a, b in zip(peer, own, strict=True))
        rate = f"{n / middle / 1e6:10.1f} M/s" if n else ""
        print(f"  {name:46}{middle * 1e3:10.3f} ms{ratio:8.2f}x{rate}", flush=True)


def there_and_back(module: Any, *inputs: Any) -> Callable:
    """Forward and backward; gradients are cleared, as a step does"""
    import torch

    gradient = torch.randn_like(module(*inputs).detach())

    def call() -> None:
        """One of each"""
        module(*inputs).backward(gradient)
        for tensor in (*inputs, *module.parameters()):
            tensor.grad = None

    return call


def masking(asked: dict) -> None:
    """Tokens that are masked in a second"""
    import torch

    from labnn.transformers.mlm import MLM

    options_ = dict(padding_token=65, mask_token=66, no_mask_tokens=[], n_tokens=67)
    rows: dict[str, Any] = {"labnn": MLM(**options_)}
    if find_spec("labml_nn"):
        # By its name alone: the peer is no requirement of this project.
        theirs = importlib.import_module("labml_nn.transformers.mlm").MLM(**options_)
        # It masks in place, and what is masked already would be less work.
        rows = {"labml_nn, on a copy": lambda x: theirs(x.clone()), **rows}
    for title, shape in (("32 x 64 tokens", (32, 64)), ("1 M tokens", (1000, 1000))):
        x = torch.randint(65, shape)
        calls = {name: lambda mlm=mlm, x=x: mlm(x) for name, mlm in rows.items()}
        compare(f"masking, {title}", calls, asked, x.numel())


def characters(asked: dict) -> None:
    """The shipped corpus to ids, vocabulary included"""
    import torch

    from labnn.tokenizers import CharacterTokenizer

    text = gzip.decompress(SHIPPED.read_bytes()).decode("ascii")

    def dictionary() -> Any:
        """What most people write"""
        ids = {character: number for number, character in enumerate(sorted(set(text)))}
        return torch.tensor([ids[character] for character in text])

    def ours() -> Any:
        """The tokenizer of the experiments"""
        return CharacterTokenizer.from_text(text).encode(text)

    rows = {"a dictionary": dictionary, "labnn": ours}
    compare(f"character tokenizer, {len(text):,} characters", rows, {**asked, "n_calls": 1})


def dropout(asked: dict) -> None:
    """On features and on attention weights"""
    import torch
    from torch import nn

    from labnn.layers.dropout import Dropout

    for shape in ((32, 64, 128), (64, 8, 32, 32), (128, 32, 1024)):
        x = torch.randn(shape, requires_grad=True)
        rows = {
            "torch": there_and_back(nn.Dropout(0.1), x),
            "labnn": there_and_back(Dropout(0.1), x),
        }
        compare(f"dropout 0.1 on {list(shape)}", rows, asked)


def layer_norm(asked: dict) -> None:
    """On features"""
    import torch
    from torch import nn

    from labnn.layers.layer_norm import LayerNorm

    for seq_len, batch_size, d_model, _ in SHAPES.values():
        x = torch.randn(seq_len, batch_size, d_model, requires_grad=True)
        rows = {
            "torch": there_and_back(nn.LayerNorm(d_model), x),
            "labnn": there_and_back(LayerNorm(d_model), x),
        }
        compare(f"layer normalization of {list(x.shape)}", rows, asked)


def sdpa_attention() -> type:
    """Our projections around torch's fused attention; it has no mask, as nothing here needs one."""
    from torch.nn import functional as F

    from labnn.transformers.mha import MultiHeadAttention

    class SdpaAttention(MultiHeadAttention):
        """The same function, in one kernel where there is one"""

        def forward(self, query: Any, key: Any, value: Any, mask: Any = None) -> Any:
            """Batch and head come first in torch's."""
            assert mask is None
            parts = (self.to_query(query), self.to_key(key), self.to_value(value))
            context = F.scaled_dot_product_attention(
                *(self.split_heads(part).permute(1, 2, 0, 3) for part in parts),
                dropout_p=self.dropout.dropout_prob if self.training else 0.0,
                scale=1 / math.sqrt(self.d_k),
            )
            return self.to_output(context.permute(2, 0, 1, 3).flatten(2))

    return SdpaAttention


def attention(asked: dict) -> None:
    """The whole module with its projections, with dropout and without it"""
    import torch

    from labnn.transformers.mha import MultiHeadAttention

    for name, (seq_len, batch_size, d_model, n_heads) in SHAPES.items():
        x = torch.randn(seq_len, batch_size, d_model, requires_grad=True)
        for prob in (0.0, 0.1):
            rows = {}
            for side, kind in (("SDPA", sdpa_attention()), ("labnn", MultiHeadAttention)):
                module = kind(d_model, n_heads=n_heads, dropout_prob=prob)
                for bits in ("fp32", "bf16"):
                    rows[f"{side}, {bits}"] = under(bits, there_and_back, module, x)
            # The peer of a precision is in the same precision.
            for bits in ("fp32", "bf16"):
                own = {label: call for label, call in rows.items() if label.endswith(bits)}
                compare(f"attention, {name}, dropout {prob}", own, asked)


def under(bits: str, wrap: Callable, module: Any, x: Any) -> Callable:
    """Self-attention, under autocast where that is asked for"""
    import torch

    class Own(torch.nn.Module):
        """The three inputs are one."""

        def __init__(self):
            """Nothing of its own"""
            super().__init__()
            self.module = module

        def forward(self, x: Any) -> Any:
            """The features in, and as many out"""
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bits == "bf16"):
                return self.module(query=x, key=x, value=x)

    return wrap(Own(), x)


def adam(asked: dict) -> None:
    """A step on the parameters of the main experiment"""
    import torch

    from experiments import mlm
    from labnn.optimizers import AdamW
    from labnn.runs.launch import prepared

    conf, values = prepared(mlm.Configs, mlm.OVERRIDES)
    conf._set_values(values)
    shapes = [tuple(p.shape) for p in conf.model.parameters()]

    def step(kind: Any, **how: Any) -> Callable:
        """An optimizer with tensors of its own"""
        torch.manual_seed(0)
        tensors = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
        for tensor in tensors:
            tensor.grad = torch.randn_like(tensor)
        return kind(tensors, lr=1e-4, **how).step

    rows = {
        "torch, as it comes": step(torch.optim.AdamW),
        "torch, foreach": step(torch.optim.AdamW, foreach=True),
        "torch, fused": step(torch.optim.AdamW, fused=True),
        "labnn": step(AdamW),
    }
    n = sum(math.prod(shape) for shape in shapes)
    compare(f"AdamW, {len(shapes)} tensors, {n:,} parameters", rows, asked)


def main() -> None:
    """Print all tables."""
    asked = options(sys.argv[1:], n_calls=5, n_rounds=15)
    print(header("labnn"), flush=True)
    for part in (masking, characters, dropout, layer_norm, attention, adam):
        part(asked)
        print()


if __name__ == "__main__":
    main()
