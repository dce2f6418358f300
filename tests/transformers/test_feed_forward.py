import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labnn.transformers.feed_forward import FeedForward

SEQ_LEN, BATCH_SIZE, D_MODEL, D_FF = 5, 3, 7, 11


def network(**kwargs) -> FeedForward:
    return FeedForward(D_MODEL, **{"d_ff": D_FF, "dropout_prob": 0.0, **kwargs})


@pytest.fixture
def x():
    return torch.randn(SEQ_LEN, BATCH_SIZE, D_MODEL)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", [None, nn.GELU(), torch.tanh])
@pytest.mark.parametrize("has_bias", [True, False])
def test_matches_a_stack_of_torch_modules(x, activation, has_bias, dtype):
    ours = network(activation=activation, has_bias=has_bias).to(dtype)
    expand = nn.Linear(D_MODEL, D_FF, bias=has_bias).to(dtype)
    contract = nn.Linear(D_FF, D_MODEL, bias=has_bias).to(dtype)
    expand.load_state_dict(ours.expand.state_dict())
    contract.load_state_dict(ours.contract.state_dict())
    x = x.to(dtype)
    act = F.relu if activation is None else activation
    torch.testing.assert_close(ours(x), contract(act(expand(x))))


def test_sigmoid_gating_matches_torch(x):
    # Torch puts what passes first, and the gate second.
    ours = network(activation=nn.Sigmoid(), is_gated=True)
    glu = F.glu(torch.cat([ours.expand_linear(x), ours.expand(x)], dim=-1), dim=-1)
    torch.testing.assert_close(ours(x), ours.contract(glu))


@pytest.mark.parametrize(
    "activation, function", [(None, F.relu), (nn.GELU(), F.gelu), (nn.SiLU(), F.silu)]
)
def test_gated_variants_are_a_product(x, activation, function):
    ours = network(activation=activation, is_gated=True, has_bias=False)
    v, w1, w2 = (m.weight for m in (ours.expand_linear, ours.expand, ours.contract))
    torch.testing.assert_close(ours(x), (function(x @ w1.T) * (x @ v.T)) @ w2.T)


def test_by_hand():
    # 3 becomes (6 + 1, -3 + 1) = (7, -2), ReLU makes it (7, 0), and 7 * 2 + 0 * 5 + 4 = 18.
    ffn = FeedForward(1, d_ff=2, dropout_prob=0.0)
    ffn.expand.weight.data = torch.tensor([[2.0], [-1.0]])
    ffn.expand.bias.data = torch.tensor([1.0, 1.0])
    ffn.contract.weight.data = torch.tensor([[2.0, 5.0]])
    ffn.contract.bias.data = torch.tensor([4.0])
    assert ffn(torch.full((1, 1, 1), 3.0)).item() == 18.0


@pytest.mark.parametrize("is_gated", [False, True])
def test_positions_do_not_mix(x, is_gated):
    ffn, other = network(is_gated=is_gated), x.clone()
    other[2, 1] += 1.0
    changed = (ffn(x) != ffn(other)).any(dim=-1)
    assert changed.nonzero().tolist() == [[2, 1]]
    torch.testing.assert_close(ffn(x)[2:3], ffn(x[2:3]))


def test_a_gated_network_with_two_thirds_inside_has_as_many_parameters():
    def size(**kwargs) -> int:
        ffn = FeedForward(13, dropout_prob=0.0, has_bias=False, **kwargs)
        return sum(p.numel() for p in ffn.parameters())

    assert size(d_ff=51) == size(d_ff=34, is_gated=True)


def test_inner_features_are_dropped_in_training_only(x):
    ffn = network(dropout_prob=1.0)
    torch.testing.assert_close(ffn(x), ffn.contract.bias.expand_as(x))
    assert not torch.equal(ffn.eval()(x), ffn.contract.bias.expand_as(x))


def draw(ffn: FeedForward, x: torch.Tensor, is_module: bool) -> tuple[torch.Tensor, ...]:
    """Result and gradients with fixed coins, by the module or by its parts one after the other"""
    ffn.zero_grad()
    x = x.clone().requires_grad_()
    torch.manual_seed(5)
    y = ffn(x) if is_module else ffn.contract(ffn.dropout(F.relu(ffn.expand(x))))
    y.square().sum().backward()
    return y, x.grad, *(p.grad.clone() for p in ffn.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("dropout_prob", [0.1, 0.5, 0.003, 1.0])
def test_relu_and_dropout_as_one_factor_are_the_two_in_a_row(x, dropout_prob, dtype):
    ffn, x = network(dropout_prob=dropout_prob).to(dtype), x.to(dtype)
    torch.testing.assert_close(draw(ffn, x, True), draw(ffn, x, False))


def test_relu_with_dropout_has_no_gradient_at_zero(x):
    ffn = network(dropout_prob=0.5)
    nn.init.zeros_(ffn.expand.weight)
    nn.init.zeros_(ffn.expand.bias)
    ffn(x).sum().backward()
    assert not ffn.expand.weight.grad.any()


def test_another_activation_is_called_before_the_dropout(x):
    class Shifted(nn.ReLU):
        """A ReLU that is not ReLU"""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) + 1

    ffn = network(dropout_prob=1 / 256, activation=Shifted())
    nn.init.zeros_(ffn.expand.weight)
    nn.init.zeros_(ffn.expand.bias)
    torch.manual_seed(0)
    expected = ffn.dropout(torch.ones(SEQ_LEN, BATCH_SIZE, D_FF))
    torch.manual_seed(0)
    torch.testing.assert_close(ffn(x), ffn.contract(expected))


@pytest.mark.parametrize("is_gated", [False, True])
@pytest.mark.parametrize("has_bias", [False, True])
def test_every_parameter_learns(x, is_gated, has_bias):
    ffn = network(is_gated=is_gated, has_bias=has_bias, activation=nn.GELU())
    ffn(x).square().sum().backward()
    assert len(list(ffn.parameters())) == (2 + is_gated) * (1 + has_bias)
    assert all(p.grad.isfinite().all() and p.grad.any() for p in ffn.parameters())


@pytest.mark.parametrize("is_gated", [False, True])
def test_gradient(x, is_gated):
    ffn = network(activation=nn.SiLU(), is_gated=is_gated).double()
    assert torch.autograd.gradcheck(ffn, (x.double().requires_grad_(),))


@pytest.mark.parametrize("activation", ["relu", nn.GELU, 3])
def test_what_is_no_activation_is_refused(activation):
    with pytest.raises(ValueError, match="activation is .*give an instance such as"):
        network(activation=activation)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_near_float32(x, dtype):
    ffn = network(is_gated=True)
    expected = ffn(x)
    y = ffn.to(dtype)(x.to(dtype))
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), expected, rtol=0.05, atol=0.05)


def test_autocast_is_near_float32(x):
    ffn = network(is_gated=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = ffn(x)
    torch.testing.assert_close(y.float(), ffn(x), rtol=0.05, atol=0.05)


def test_it_can_fit_a_curve():
    x = torch.linspace(-1, 1, 32).view(-1, 1, 1)
    ffn = FeedForward(1, d_ff=31, dropout_prob=0.0)
    optimizer = torch.optim.Adam(ffn.parameters(), lr=0.02)
    for _ in range(200):
        loss = F.mse_loss(ffn(x), x.square())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1e-3
