"""
# Tests of what all optimizers share

The trusted twin of a rule by hand is torch's descent. What is refused is tried with every optimizer
that there is.
"""

import pytest
import torch

from labnn.optimizers import SGD, Adam, AdamW, Noam, NovoGrad, Optimizer
from tests.optimizers.test_adam import EXACT, N_IN, N_OUT, assert_same, make_params, run

# With every option that copies a gradient, or keeps something of it
ALL = {
    "SGD": lambda params, **options: SGD(params, **{"lr": 0.5, "momentum": 0.9} | options),
    "Adam": lambda params, **options: Adam(params, **{"lr": 0.5} | options),
    "AdamW": lambda params, **options: AdamW(params, **{"lr": 0.5} | options),
    "NovoGrad": lambda params, **options: NovoGrad(params, **{"lr": 0.5} | options),
    "Noam": lambda params, **options: Noam(params, **{"d_model": 4, "warmup": 0} | options),
}


class Sign(Optimizer):
    """A rule of one's own"""

    def __init__(self, params, lr):
        super().__init__(params, dict(lr=lr))

    def update(self, param, group):
        param.sub_(param.grad.sign(), alpha=group["lr"])


@pytest.fixture(params=ALL)
def name(request):
    return request.param


def test_a_rule_is_all_that_an_optimizer_needs():
    ours, theirs = make_params(), make_params()
    twin = torch.optim.SGD(theirs, lr=0.1)
    for update in range(11):
        run(Sign(ours, lr=0.1), 1, first=update)
        for one, two in zip(ours, theirs, strict=True):
            two.grad = one.grad.sign()
        twin.step()
    assert_same(ours, theirs, **EXACT)
    with pytest.raises(ValueError, match="lr must be a finite number from 0 up, not -1"):
        Sign(make_params(), lr=-1)
    (param, *_) = make_params()
    param.grad = torch.ones_like(param)
    with pytest.raises(NotImplementedError, match="Optimizer needs update"):
        Optimizer([param], {}).step()


def test_a_group_without_gradients_is_an_update_all_the_same():
    seen = []

    class Counting(Sign):
        def update_group(self, group, params):
            seen.append((group["lr"], [id(param) for param in params]))
            super().update_group(group, params)

    a, b, c = make_params()
    optimizer = Counting([dict(params=[a, b]), dict(params=[c], lr=0.3)], lr=0.1)
    before = [param.detach().clone() for param in (a, b, c)]
    b.grad = torch.ones_like(b)
    optimizer.step()
    assert seen == [(0.1, [id(b)]), (0.3, [])]
    assert_same([a, b, c], [before[0], before[1] - 0.1, before[2]], **EXACT)


def test_a_closure_computes_gradients_and_its_loss_is_returned(name):
    param = torch.tensor(2.0, requires_grad=True)
    optimizer = ALL[name]([param], weight_decay=0.0)

    def closure():
        optimizer.zero_grad()
        loss = param**2
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    # Descent goes half of 4 down, and the others by their rate.
    assert param.item() == pytest.approx(0.0 if name == "SGD" else 1.5)
    assert optimizer.step() is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_gradients_are_not_modified(name, dtype):
    # Two types, of which one is not fused
    params = make_params(dtype)
    optimizer = ALL[name](params, weight_decay=0.3)
    for param in params:
        param.grad = torch.ones_like(param)
    for _ in range(3):
        optimizer.step()
    assert all(torch.equal(param.grad, torch.ones_like(param)) for param in params)


# Descent has no `eps`.
BAD = {
    ("lr", -1.0): ALL,
    ("lr", float("nan")): ALL,
    ("lr", float("inf")): ALL,
    ("eps", -1e-8): ALL.keys() - {"SGD"},
    ("weight_decay", -0.1): ALL,
    ("weight_decay", float("inf")): ALL,
}


@pytest.mark.parametrize("option, value", BAD)
def test_numbers_that_no_update_can_be_made_with_are_refused(option, value):
    for name in BAD[option, value]:
        refuse(name, {option: value}, f"{option} must be a finite number from 0 up, not {value}")


@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, -0.1), (0.9, float("nan")), (0.9,)])
@pytest.mark.parametrize("name", [name for name in ALL if name != "SGD"])
def test_means_that_keep_all_or_less_than_nothing_are_refused(name, betas):
    refuse(name, dict(betas=betas), f"betas must be two numbers from 0 up and below 1, not {betas}")


def refuse(name, options, message):
    """In the constructor, and in a group, which then is not added"""
    with pytest.raises(ValueError) as error:
        ALL[name](make_params(), **options)
    assert str(error.value) == message
    a, b, _ = make_params()
    optimizer = ALL[name]([a])
    with pytest.raises(ValueError) as error:
        optimizer.add_param_group(dict(params=[b], **options))
    assert str(error.value) == message and len(optimizer.param_groups) == 1


def test_sparse_gradients_are_refused_before_anything_is_changed(name):
    dense = torch.ones(N_IN, requires_grad=True)
    embedding = torch.nn.Embedding(7, N_OUT, sparse=True)
    optimizer = ALL[name]([dict(params=[dense]), dict(params=[embedding.weight])])
    counted = [group.get("updates") for group in optimizer.param_groups]
    (dense.sum() + embedding(torch.tensor([2])).sum()).backward()
    with pytest.raises(ValueError) as error:
        optimizer.step()
    assert str(error.value) == (
        f"{name} needs dense gradients and the parameter of shape [7, 3] has a sparse one: use "
        "sparse=False there"
    )
    assert torch.equal(dense, torch.ones(N_IN)) and not optimizer.state
    assert [group.get("updates") for group in optimizer.param_groups] == counted


@pytest.mark.parametrize("dtype, message", [
    (torch.complex64, "needs real numbers and {what} torch.complex64: keep its real and"),
    (torch.float16, "cannot update float16 and {what}: keep it in float32 and compute in float16"),
])  # fmt: skip
def test_complex_and_float16_parameters_are_refused(name, dtype, message):
    param = torch.ones(N_IN, dtype=dtype, requires_grad=True)
    param.grad = torch.ones_like(param)
    optimizer = ALL[name]([param])
    # Descent divides by nothing that could be zero.
    if (name, dtype) == ("SGD", torch.float16):
        return optimizer.step()
    what = f"the parameter of shape [{N_IN}] is"
    with pytest.raises(ValueError) as error:
        optimizer.step()
    assert str(error.value).startswith(f"{name} {message.format(what=what)}")


def test_half_precision_would_lose_epsilon():
    assert torch.tensor([1e-8, 2.9e-8], dtype=torch.float16).tolist() == [0.0, 0.0]
