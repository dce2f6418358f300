import json
import math
import random
from collections import OrderedDict, namedtuple
from enum import IntEnum

import numpy as np
import pytest
import safetensors.torch
import torch

from labnn.optimizers import Noam
from labnn.runs.packing import DTYPES, MAX_DEPTH, Packer, PackingError, unpack


def files(state, group="model"):
    """The two files of a state, as they are on a disk"""
    packer = Packer(group)
    tree = packer.pack(state, group)
    return json.dumps(tree, allow_nan=False).encode(), safetensors.torch.save(packer.tensors)


def there_and_back(state):
    tree, tensors = files(state)
    return unpack(json.loads(tree), safetensors.torch.load(tensors))


def is_same(one, other):
    """Equal in value and in type, to the last bit"""
    if isinstance(one, torch.Tensor):
        return (
            isinstance(other, torch.Tensor)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and bits(one) == bits(other)
        )
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and one.tobytes() == other.tobytes()
        )
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        pairs = zip(one.items(), other.items(), strict=True)
        return len(one) == len(other) and all(is_same(a, b) for a, b in pairs)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float):
        return one.hex() == other.hex()
    return one == other


def bits(tensor):
    """What a tensor is in memory"""
    tensor = tensor.detach().resolve_conj().resolve_neg()
    tensor = tensor.clone(memory_format=torch.contiguous_format)
    return bytes(tensor.flatten().view(torch.uint8).tolist()) if tensor.numel() else b""


def comes_back(state):
    return is_same(state, there_and_back(state))


def test_the_comparison_of_these_tests_sees_differences():
    nan = torch.tensor([math.nan])
    for one, other in (
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        ((1,), [1]),
        ({1: 2}, {"1": 2}),
        ({1: 2, 3: 4}, {3: 4, 1: 2}),
        (nan, -nan),
        (torch.zeros(2), torch.zeros(2, 1)),
        (torch.zeros(1), torch.zeros(1).double()),
        (np.zeros(1), torch.zeros(1)),
    ):
        assert is_same(one, one) and is_same(other, other) and not is_same(one, other)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**200),
        2**128 - 1,
        0.1,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        math.nan,
        math.inf,
        -math.inf,
        "",
        "naïve 🙂 \x00 \n",
        [],
        (),
        {},
        [[], {}, ()],
        ((1, (2, None)), [3]),
        {0: "a", 1: {"params": [0, 1]}},
        {(1, "a"): 1, None: 2, True: 3, 2.5: 4, "x": 5},
        {"$": 1},
        {"$": "tensor", "name": "model"},
        {"$": {"$": {"$": "float"}}},
        {"a.b": 1, "a": {"b": 2}},
    ],
    ids=repr,
)
def test_a_plain_value_comes_back(value):
    assert comes_back(value) and comes_back({"in": [value, (value,)]})


@pytest.mark.parametrize(
    "dtype",
    sorted(DTYPES, key=str),
    ids=str,
)
def test_a_tensor_of_each_type_comes_back(dtype):
    given = torch.tensor([[0, 1, 1], [1, 0, 0]]).to(dtype)
    assert comes_back(given) and comes_back(given.t()) and comes_back(given[0, 1])
    assert comes_back(given[:0]) and there_and_back(given).dtype == dtype


def test_the_types_that_a_state_has_are_among_them():
    needed = "bool uint8 uint32 int8 int64 float16 bfloat16 float32 float64 complex64"
    assert {getattr(torch, name) for name in needed.split()} <= DTYPES


def test_numbers_that_compare_as_no_others_keep_their_bits():
    given = torch.tensor([math.nan, math.inf, -math.inf, -0.0, 1e-45])
    payload = torch.tensor([0x7FC12345, -1]).to(torch.int32).view(torch.float32)
    assert comes_back([given, -given, payload, given.to(torch.bfloat16), given.half()])


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[2:4],
        lambda x: x[:, ::2],
        lambda x: x.t(),
        lambda x: x.flip(0),
        lambda x: x[0].expand(3, 7),
        lambda x: x[0, 0],
        lambda x: x[1:1],
        lambda x: x.reshape(7, 5),
        lambda x: x.view(torch.int32),
    ],
)
def test_parts_of_a_tensor_come_back_beside_it(view):
    whole = torch.randn(5, 7)
    assert comes_back({"whole": whole, "part": view(whole)})
    assert comes_back({"part": view(whole), "whole": whole})


def test_a_part_does_not_take_the_whole_along():
    _, data = files({"row": torch.randn(1000, 100)[3]})
    assert len(data) < 1000


def test_a_conjugate_is_not_its_tensor():
    given = torch.randn(3, dtype=torch.complex64)
    assert comes_back({"z": given, "conjugate": given.conj(), "part": given.conj().imag})
    assert not is_same(*there_and_back([given, given.conj()]))
    for alone in (given.conj(), given.conj().imag, torch._neg_view(torch.randn(3))):
        assert comes_back([alone])


def test_tied_weights_are_one_tensor():
    weight = torch.nn.Parameter(torch.randn(3, 5))
    state = {"generator.weight": weight, "embed": {"weight": weight}, "other": torch.randn(3, 5)}
    tree, data = files(state)
    assert sorted(safetensors.torch.load(data)) == ["generator.weight", "other"]
    found = there_and_back(state)
    assert found["generator.weight"] is found["embed"]["weight"] is not found["other"]
    assert torch.equal(found["embed"]["weight"], weight)


def test_tensors_that_are_made_while_packing_do_not_meet():
    # The memory of one would be given to the next.
    class Lazy(dict):
        def items(self):
            return ((key, torch.full((1,), float(key)).expand(1000)) for key in range(50))

    found = there_and_back(Lazy.fromkeys(range(50)))
    assert all(tensor.eq(key).all() for key, tensor in found.items())
    arrays = [np.full(1000, number)[::-1] for number in range(50)]
    assert comes_back(arrays)


def test_names_in_the_file_are_those_of_the_model():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    _, data = files(model.state_dict())
    assert {*safetensors.torch.load(data)} == {*model.state_dict()}


def test_names_that_would_be_one():
    a, b, c, d = torch.arange(4.0)
    state = {"a.b": a, "a": {"b": b}, "a.b'": c, "": {"": d}, "__metadata__": a + 1, "ü\n": b + 1}
    assert comes_back(state) and comes_back([a, {0: b}, {"0": c}])
    assert comes_back({"\\ud800": a}) and comes_back({1: a, "1": b, 1.5: c, True + 1: d})


def test_special_kinds_come_back_as_plain_ones():
    Pair = namedtuple("Pair", "one other")
    Choice = IntEnum("Choice", "first second")
    given = OrderedDict(b=Pair(1, 2), a=torch.Size([3]), c=Choice.second)
    found = there_and_back(given)
    assert is_same(found, {"b": (1, 2), "a": (3,), "c": 2})
    numbers = [np.float32(0.1), np.float64(0.1), np.float16(2), np.int64(-3), np.uint8(4)]
    plain = [float(np.float32(0.1)), 0.1, 2.0, -3, 4]
    assert is_same(there_and_back(numbers), plain)
    assert is_same(there_and_back([np.bool_(True), np.str_("a")]), [True, "a"])
    assert is_same(there_and_back({np.int64(3): 1, np.str_("a"): 2}), {3: 1, "a": 2})


def test_arrays_come_back():
    numbers = np.arange(24).reshape(2, 3, 4)
    for kind in (bool, "u1", "u4", "u8", "i2", "i8", "f2", "f4", "f8", "c8"):
        assert comes_back(numbers.astype(kind))
    fixed = numbers.copy()
    fixed.flags.writeable = False
    assert comes_back([numbers[::-1], numbers.T, numbers[:0], np.array(5.0), fixed])
    assert there_and_back(fixed).flags.writeable


def trained(make):
    """A small model and its optimizer after three updates"""
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    optimizer = make([{"params": model[0].parameters()}, {"params": model[2].parameters()}])
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(7, 3)).square().mean().backward()
        optimizer.step()
    return model, optimizer


@pytest.mark.parametrize(
    "make",
    [
        lambda groups: torch.optim.Adam(groups, amsgrad=True),
        lambda groups: torch.optim.SGD(groups, lr=0.1),
        lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
        lambda groups: torch.optim.AdamW(groups, foreach=True, betas=(0.9, 0.98)),
        lambda groups: torch.optim.Adam(groups, lr=torch.tensor(0.01), fused=True),
        lambda groups: Noam(groups, d_model=128),
    ],
    ids=["adam", "sgd", "momentum", "adamw", "fused", "noam"],
)
def test_an_optimizer_goes_on_as_if_nothing_had_been(make):
    torch.manual_seed(1)
    model, optimizer = trained(make)
    assert comes_back(optimizer.state_dict())
    saved = there_and_back({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    torch.manual_seed(2)
    other, twin = trained(make)
    other.load_state_dict(saved["model"])
    twin.load_state_dict(saved["optimizer"])
    data = torch.randn(7, 3)
    for net, opt in ((model, optimizer), (other, twin)):
        opt.zero_grad()
        net(data).square().mean().backward()
        opt.step()
    assert is_same([*map(bits, model.parameters())], [*map(bits, other.parameters())])


def test_random_states_go_on():
    generator = torch.Generator().manual_seed(5)
    np.random.default_rng(3)
    own = np.random.default_rng(7)
    state = {
        "torch": torch.get_rng_state(),
        "generator": generator.get_state(),
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=True),
        "numpy_new": np.random.get_state(legacy=False),
        "pcg": own.bit_generator.state,
    }
    assert comes_back(state)
    found = there_and_back(state)

    def draw():
        numbers = [torch.rand(1).item(), torch.rand(1, generator=generator).item()]
        return [*numbers, random.random(), random.gauss(0, 1), own.random()]

    expected = [draw(), np.random.rand(), np.random.randn()]
    torch.set_rng_state(found["torch"])
    generator.set_state(found["generator"])
    random.setstate(found["python"])
    np.random.set_state(found["numpy"])
    own.bit_generator.state = found["pcg"]
    assert [draw(), np.random.rand(), np.random.randn()] == expected
    np.random.set_state(found["numpy_new"])
    assert [np.random.rand(), np.random.randn()] == expected[1:]


def tree(rng, depth=0):
    """Some state, by chance"""
    kinds = ["leaf", "leaf", "tensor", "array"] + ["list", "tuple", "dict"] * (depth < 4)
    kind = rng.choice(kinds)
    n = rng.randrange(4)
    if kind == "leaf":
        texts = ["$", "", "a.b", "tensor", "\u2028'"]
        numbers = [math.nan, -math.inf, -0.0, rng.random(), rng.getrandbits(150), -1, True, None]
        return rng.choice([*texts, *numbers])
    if kind == "tensor":
        dtype = rng.choice([torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.uint32])
        shape = [rng.randrange(3) for _ in range(n)]
        return torch.tensor(rng.getrandbits(1)).to(dtype).expand(shape)
    if kind == "array":
        return np.arange(n * 2).reshape(n, 2)[:: rng.choice([1, -1])]
    items = [tree(rng, depth + 1) for _ in range(n)]
    if kind == "dict":
        keys = ["$", "a", "a.b", "b", 0, 1, -1.5, (1, "$"), None, "model", "__metadata__", ""]
        return dict(zip(rng.sample(keys, n), items, strict=True))
    return items if kind == "list" else tuple(items)


def test_states_by_chance_come_back():
    rng = random.Random(11)
    for _ in range(400):
        state = tree(rng)
        assert comes_back(state), state


class Foo:
    pass


def nested(depth):
    state = 1
    for _ in range(depth):
        state = [state]
    return state


REFUSED = {
    "state.0.foo is a Foo;": {"state": {0: {"foo": Foo()}}},
    "a.1 is a bytes;": {"a": (1, b"x")},
    "a is a set;": {"a": {1}},
    "a is a complex;": {"a": 1j},
    "a is a function;": {"a": is_same},
    "a is a type;": {"a": Foo},
    "a is a dtype;": {"a": torch.float32},
    "a is a longdouble;": {"a": np.longdouble(1)},
    "a is a int of too many digits;": {"a": 10**700},
    "a is a str that is not Unicode;": {"a": "\udc80"},
    "a has a key that is a Tensor": {"a": {torch.zeros(2): 1}},
    "a has a key that is a Foo": {"a": {Foo(): 1}},
    "a.x\u2029y is a Foo;": {"a": {"x\u2029y": Foo()}},
    "a is a tensor of torch.complex128,": {"a": torch.zeros(2, dtype=torch.complex128)},
    "a is a sparse or nested tensor;": {"a": torch.eye(3).to_sparse()},
    "a is a tensor without values:": {"a": torch.zeros(3, device="meta")},
    "a is an array of object,": {"a": np.array([Foo()])},
    "a is an array of <U1,": {"a": np.array(["x"])},
    "a is an array of >f4,": {"a": np.zeros(2, ">f4")},
    "a is an array of datetime64,": {"a": np.zeros(2, "M8")},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_packed_is_named_with_its_place(words):
    with pytest.raises(PackingError) as e:
        Packer("optimizer").pack(REFUSED[words], "optimizer")
    text = str(e.value)
    assert text.startswith("optimizer." + " ".join(words.split())), text
    assert len(text.splitlines()) == 1 and len(text) < 300


def test_a_state_that_is_none_at_all_is_named():
    with pytest.raises(PackingError, match="^the state is a Foo;"):
        Packer().pack(Foo())


def test_as_deep_as_can_be_read_and_no_deeper():
    assert comes_back(nested(MAX_DEPTH))
    endless = []
    endless.append(endless)
    keys = {}
    keys[0] = keys
    for state in (nested(MAX_DEPTH + 1), endless, keys):
        with pytest.raises(PackingError, match="nested more than"):
            Packer().pack(state)
    with pytest.raises(PackingError, match="nested more than"):
        unpack(nested(MAX_DEPTH + 1), {})


NO_TREES = [
    {"$": "pickle", "value": "x"},
    {"$": None},
    {"$": ["tensor"], "name": "there"},
    {"$": "tensor"},
    {"$": "tensor", "name": "absent"},
    {"$": "tensor", "name": ["there"]},
    {"$": "tensor", "name": "there", "more": 1},
    {"$": "array", "name": "half"},
    {"$": "float", "value": "1.5"},
    {"$": "float", "value": 1.5},
    {"$": "float", "value": "infinity"},
    {"$": "float", "value": ["nan"]},
    {"$": "tuple", "items": "text"},
    {"$": "tuple", "items": {"a": 1}},
    {"$": "dict", "items": [[1, 2, 3]]},
    {"$": "dict", "items": ["ab"]},
    {"$": "dict", "items": [[[], 1]]},
    {"$": "dict", "items": [[{}, 1]]},
    {"$": "dict", "items": [[1, 1], [1, 2]]},
    {"$": "dict", "items": [[1, 1], [True, 2]]},
    {"$": "dict", "items": [[{"$": "tensor", "name": "there"}, 1]]},
    {"$": "dict", "items": {"1": 2}},
]


@pytest.mark.parametrize("wrong", NO_TREES, ids=repr)
def test_a_tree_that_packing_does_not_make_is_refused_in_one_line(wrong):
    tensors = {"there": torch.zeros(2), "half": torch.zeros(2, dtype=torch.bfloat16)}
    for place in (wrong, [wrong], {"$": "tuple", "items": [{"a": wrong}]}):
        with pytest.raises(PackingError) as e:
            unpack(place, tensors)
        text = str(e.value)
        assert len(text.splitlines()) == 1 and len(text) < 150
        # The reason is said once, however deep it is.
        assert text.count("it ") == 1
