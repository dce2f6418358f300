r"""
# On a GPU

    python benchmarks/gpu.py [n_steps=20] [n_rounds=9]

What is measured: tokens a second of training in bf16 on a CUDA GPU, and which share of the GPU's
own rate of matrix products that is, for two shapes: the main experiment, and BERT-base (12 layers,
768 features, 3,072 inside, 12 heads, 30,522 tokens) at a length of 512 with batches of 32. Against
what: Hugging Face's `BertForMaskedLM` with SDPA and fused AdamW, as it comes and compiled. Ours
has the blocks of [bert](bert.html) with fused attention, as it comes, with its layers compiled, and
as a whole under `torch.compile` with CUDA graphs.

**How fairness is kept.** Both are the same function, which `bert.py` checks by its losses. All
sides have their batches on the GPU, and 15 % of the positions have a label, exactly, so that all
shapes are static. They take turns of some steps; the clock waits for the GPU at both ends. Weights
are in fp32 under autocast, dropout is 0.1, gradients are clipped.

**The rate.** Square products of 8,192 in bf16 are timed here and now. A step needs, for each token,

$$6 \, P + 12 \, n_{layers} \, d_{model} \, L \; + \; 0.15 \cdot 6 \, (d_{model}^2 + d_{model} V)$$

operations, with $P$ the weights in the matrices of the layers, $L$ the length and $V$ the
vocabulary: the head only has to be computed where there is a label. That is the useful work, and
the same number is taken for both sides.

The page is not called `cuda`, because torch imports a package of that name and would find this.
"""

import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from _hugging_face import step_of
from _sides import header, leave, need, options
from bert import IGNORED, SHAPES, batches, our_model, their_loss, their_model
from blocks import sdpa_attention
from torch.nn import functional as F

BASE = dict(n_layers=12, d_model=768, d_ff=3072, n_heads=12, n_tokens=30_522, seq_len=512, batch=32)
DEVICE = "cuda"


def seconds(work: Callable, n: int) -> float:
    """Of one call, when the GPU is done"""
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(n):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - begun) / n


def matrix_rate(n: int = 8192) -> float:
    """Operations a second of a large product in bf16"""
    a, b = (torch.randn(n, n, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    return 2 * n**3 / statistics.median(seconds(lambda: a @ b, 10) for _ in range(9))


def operations(shape: dict[str, int]) -> float:
    """Useful ones for a token, by the formula of the page"""
    d, n_layers = shape["d_model"], shape["n_layers"]
    layers = n_layers * (4 * d * d + 2 * d * shape["d_ff"])
    attention = 12 * n_layers * d * shape["seq_len"]
    return 6 * layers + attention + 0.15 * 6 * (d * d + d * shape["n_tokens"])


def their_steps(shape: dict[str, int], is_compiled: bool) -> Callable:
    """A function that makes one step of Hugging Face's"""
    model = their_model(shape).to(DEVICE).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    called = torch.compile(model, mode="reduce-overhead") if is_compiled else model
    return endless(shape, step_of(called, optimizer, their_loss, True, DEVICE), lambda *b: b)


def our_steps(shape: dict[str, int], compiled: str) -> Callable:
    """A function that makes one step of ours, with nothing compiled, its layers, or the whole"""
    from labnn.optimizers import AdamW

    model = our_model(shape, attention=sdpa_attention()).to(DEVICE).train()
    optimizer = AdamW(model.parameters(), lr=1e-4)
    if compiled == "layers":
        model.compile(dynamic=False)
    called = torch.compile(model, mode="reduce-overhead") if compiled == "whole" else model

    def laid_out(ids: torch.Tensor, labels: torch.Tensor) -> tuple:
        """Sequence first, and the positions of the labels, whose number is always the same"""
        labels = labels.T.flatten()
        positions = (labels != IGNORED).nonzero().squeeze(-1)
        return ids.T.contiguous(), (positions, labels[positions])

    def loss_of(model: Any, ids: torch.Tensor, chosen: tuple) -> torch.Tensor:
        """The loss at these positions"""
        positions, labels = chosen
        return F.cross_entropy(model(ids, positions=positions)[0].float(), labels)

    return endless(shape, step_of(called, optimizer, loss_of, True, DEVICE), laid_out)


def endless(shape: dict[str, int], step: Callable, laid_out: Callable) -> Callable:
    """The step with the next batch of a few"""
    made = [laid_out(*(t.to(DEVICE) for t in pair)) for pair in batches(shape, shape["batch"])]
    number = 0

    def next_step() -> None:
        """One step"""
        nonlocal number
        number += 1
        step(*made[number % len(made)])

    return next_step


def ready(name: str, make: Callable) -> Callable | None:
    """A step that has run some times, or `None` and a line where it does not run here"""
    try:
        step = make()
        for _ in range(5):
            step()
        torch.cuda.synchronize()
        return step
    except Exception as error:
        print(f"  {name:34}does not run: {type(error).__name__}: {str(error).splitlines()[0]}")
        return None


def measure(title: str, shape: dict[str, int], rate: float, asked: dict[str, int]) -> None:
    """Print the table of one shape."""
    print(title)
    rows: dict[str, Callable] = {}
    if find_spec("transformers"):
        rows["Hugging Face, SDPA"] = lambda: their_steps(shape, False)
        rows["Hugging Face, SDPA, compiled"] = lambda: their_steps(shape, True)
    rows["labnn"] = lambda: our_steps(shape, "nothing")
    rows["labnn, layers compiled"] = lambda: our_steps(shape, "layers")
    rows["labnn, compiled"] = lambda: our_steps(shape, "whole")
    made = {name: ready(name, make) for name, make in rows.items()}
    steps = {name: step for name, step in made.items() if step is not None}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(asked["n_rounds"]):
        for name, step in steps.items():
            times[name].append(seconds(step, asked["n_steps"]))
    n_tokens = shape["batch"] * shape["seq_len"]
    first = next(iter(times.values()), [])
    for name, own in times.items():
        middle = statistics.median(own)
        ratio = statistics.median(a / b for a, b in zip(first, own, strict=True))
        share = operations(shape) * n_tokens / middle / rate
        print(f"  {name:34}{middle * 1e3:8.2f} ms{n_tokens / middle:12,.0f} tokens/s", end="")
        print(f"{share:8.1%} of the rate{ratio:7.2f}x", flush=True)


def main() -> None:
    """Measure both shapes, where there is a GPU."""
    asked = options(sys.argv[1:], n_steps=20, n_rounds=9)
    if not torch.cuda.is_available():
        leave("torch sees no CUDA GPU here; this measurement needs one")
    need("transformers", "'labnn[hf]'")
    print(header("transformers", "labnn"))
    rate = matrix_rate()
    print(f"{torch.cuda.get_device_name()}: {rate / 1e12:.0f} TFLOP/s in products of 8,192, bf16\n")
    measure("the main experiment's shape", SHAPES["main"], rate, asked)
    measure("BERT-base, length 512, batch 32", BASE, rate, asked)


if __name__ == "__main__":
    main()
