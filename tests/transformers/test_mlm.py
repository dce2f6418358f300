r"""
# Tests of masked language modeling

Fractions are held to five standard deviations of the binomial distribution: the generator is
seeded, so a passing test stays passing, and the traps of the page lie much further out.
"""

import copy
import math

import pytest
import torch

from labnn.transformers.mlm import MLM

# Distinct primes, and a vocabulary with the special tokens at its end, in its middle and at 0
SEQ_LEN, BATCH_SIZE, N_TOKENS = 11, 7, 67
PADDING, MASK, OTHERS = 65, 66, (0, 31)
SPECIAL = (PADDING, MASK, *OTHERS)
N_ORDINARY = N_TOKENS - len(SPECIAL)
# Enough positions for the statistics
MANY = 1_000_003


def make(**options):
    known = dict(padding_token=PADDING, mask_token=MASK, no_mask_tokens=OTHERS, n_tokens=N_TOKENS)
    return MLM(**{**known, **options})


def any_ids(*shape):
    return torch.randint(0, N_TOKENS, shape)


def is_special(ids):
    return (ids[..., None] == torch.tensor(SPECIAL)).any(dim=-1)


def ordinary_ids(*shape):
    ids = any_ids(*shape)
    return ids.masked_fill(is_special(ids), 5)


def assert_share(count, total, probability):
    """`count` of `total` lies within five standard deviations of what is expected."""
    spread = math.sqrt(total * probability * (1 - probability))
    assert abs(int(count) - total * probability) <= 5 * spread, (int(count) / total, probability)


def count_fates(mlm, fill):
    """How many of `MANY` positions that all hold `fill` are masked, random, kept, not selected."""
    x = torch.full((MANY,), fill)
    masked, labels = mlm(x)
    selected = labels != PADDING
    assert (labels[selected] == fill).all()
    fates = [masked == MASK, (masked != MASK) & (masked != fill), masked == fill, ~selected]
    fates[:3] = [fate & selected for fate in fates[:3]]
    # Every position has one fate and only one.
    assert torch.stack(fates).sum(dim=0).eq(1).all()
    assert torch.equal(masked[~selected], x[~selected])
    return [int(fate.sum()) for fate in fates]


@pytest.mark.parametrize(
    "p, r, c",
    [(0.15, 0.1, 0.1), (0.5, 0.3, 0.6), (1.0, 0.25, 0.25), (0.3, 0.0, 0.4), (0.3, 0.4, 0.0)],
)
def test_each_fate_has_its_probability(p, r, c):
    mlm = make(masking_prob=p, randomize_prob=r, no_change_prob=c)
    masked, random, kept, rest = count_fates(mlm, fill=5)
    # A random token is the original once in `N_ORDINARY`, and then looks kept.
    seen = p * r / N_ORDINARY
    assert_share(masked, MANY, p * (1 - r - c))
    assert_share(random, MANY, p * r - seen)
    assert_share(kept, MANY, p * c + seen)
    assert_share(rest, MANY, 1 - p)


def test_two_separate_draws_would_give_81_10_9():
    # The page's equation of the trap, against the trap itself
    r, c = 0.1, 0.1
    kept, random = torch.rand(MANY) < c, torch.rand(MANY) < r
    assert_share((~random & ~kept).sum(), MANY, (1 - r) * (1 - c))
    assert_share(random.sum(), MANY, r)
    assert_share((kept & ~random).sum(), MANY, c * (1 - r))

    # Ours is 80 % and far from 81 %.
    masked, *_, rest = count_fates(make(), fill=5)
    n_selected = MANY - rest
    assert_share(masked, n_selected, 0.8)
    with pytest.raises(AssertionError):
        assert_share(masked, n_selected, 0.81)


def test_by_hand():
    # With $r = 0.2$ and $c = 0.3$ the intervals end at 0.2 (random), 0.5 (kept) and 1 (masked).
    # The ordinary tokens are 1, 2, 3 and 4, so [0, 0.2) is cut at 0.05, 0.1 and 0.15.
    mlm = MLM(padding_token=0, mask_token=5, n_tokens=6, randomize_prob=0.2, no_change_prob=0.3)
    share = torch.tensor([0.0, 0.06, 0.12, 0.19, 0.2, 0.49, 0.5, 0.99], dtype=torch.double)
    tokens = torch.tensor([4, 4, 4, 4, 3, 3, 3, 3])
    assert mlm.replace(tokens, share).tolist() == [1, 2, 3, 4, 3, 3, 5, 5]


def test_equals_a_loop_over_the_positions():
    p, r, c = 0.5, 0.2, 0.3
    x = any_ids(1009)
    masked, labels = make(masking_prob=p, randomize_prob=r, no_change_prob=c)(
        x, torch.Generator().manual_seed(3)
    )
    ordinary = [token for token in range(N_TOKENS) if token not in SPECIAL]
    draws = torch.rand(len(x) + 1, generator=torch.Generator().manual_seed(3), dtype=torch.double)
    columns = (column.tolist() for column in (x, draws[:-1], masked, labels))
    for token, u, seen, label in zip(*columns, strict=True):
        if token in SPECIAL or u >= p:
            assert (seen, label) == (token, PADDING)
        elif u < p * r:
            assert (seen, label) == (ordinary[math.floor(u / (p * r) * len(ordinary))], token)
        else:
            assert (seen, label) == (token if u < p * (r + c) else MASK, token)


def test_special_tokens_are_never_selected():
    x = any_ids(MANY)
    masked, labels = make(masking_prob=1.0)(x)
    special = is_special(x)
    assert torch.equal(masked[special], x[special])
    assert (labels[special] == PADDING).all()
    assert torch.equal(labels[~special], x[~special])


def test_random_tokens_are_ordinary_and_uniform():
    masked, _ = make(masking_prob=1.0, randomize_prob=1.0, no_change_prob=0.0)(ordinary_ids(MANY))
    counts = torch.bincount(masked, minlength=N_TOKENS).double()
    assert counts[list(SPECIAL)].sum() == 0
    # The statistic of the chi-square test: its mean is the number of degrees of freedom, its
    # variance twice that.
    expected, freedom = MANY / N_ORDINARY, N_ORDINARY - 1
    ordinary = counts[~is_special(torch.arange(N_TOKENS))]
    chi_square = ((ordinary - expected) ** 2 / expected).sum()
    assert abs(chi_square - freedom) < 5 * math.sqrt(2 * freedom)


def test_random_tokens_are_uniform_over_a_large_vocabulary():
    n_tokens, n_random = 30_011, 3_000_017
    mlm = make(n_tokens=n_tokens, randomize_prob=1.0, no_change_prob=0.0)
    share = torch.rand(n_random, dtype=torch.double)
    counts = torch.bincount(mlm.replace(torch.full((n_random,), 5), share), minlength=n_tokens)
    n_ordinary = n_tokens - len(SPECIAL)
    expected, freedom = n_random / n_ordinary, n_ordinary - 1
    chi_square = ((counts[mlm.ordinary] - expected) ** 2 / expected).sum()
    assert abs(chi_square - freedom) < 5 * math.sqrt(2 * freedom)
    assert counts.sum() == counts[mlm.ordinary].sum()


def test_single_precision_would_not_be_even_over_a_large_vocabulary():
    # All numbers below 0.015 that a `float32` draw can be, each as likely as the others: some of
    # 30,000 tokens get nine of them, some eight.
    n_values = math.ceil(0.015 * 2**24)
    assert n_values == 251_659
    counts = torch.bincount((torch.arange(n_values).double() / n_values * 30_000).long())
    assert (counts.min(), counts.max()) == (8, 9)


def test_the_random_token_does_not_depend_on_the_original():
    x = ordinary_ids(MANY)
    masked, _ = make(masking_prob=1.0, randomize_prob=1.0, no_change_prob=0.0)(x)
    assert_share((masked == x).sum(), MANY, 1 / N_ORDINARY)


def test_neighbours_are_selected_independently():
    selected = make(masking_prob=0.3)(ordinary_ids(MANY))[1] != PADDING
    assert_share((selected[1:] & selected[:-1]).sum(), MANY - 1, 0.3 * 0.3)


def test_the_input_is_not_modified_and_nothing_shares_its_memory():
    x = any_ids(SEQ_LEN, BATCH_SIZE)
    before = x.clone()
    masked, labels = make(masking_prob=1.0)(x)
    masked.fill_(1)
    labels.fill_(2)
    assert torch.equal(x, before) and (masked == 1).all()


@pytest.mark.parametrize("shape", [(), (1,), (SEQ_LEN,), (SEQ_LEN, BATCH_SIZE), (2, 3, 5), (0, 3)])
def test_any_shape(shape):
    x = ordinary_ids(*shape)
    masked, labels = make(masking_prob=1.0, no_change_prob=0.0)(x)
    assert masked.shape == labels.shape == x.shape
    assert torch.equal(labels, x)


def test_a_transposed_view_is_masked_like_its_copy():
    x = ordinary_ids(BATCH_SIZE, SEQ_LEN).t()
    one = make()(x, torch.Generator().manual_seed(3))
    two = make()(x.contiguous(), torch.Generator().manual_seed(3))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64", "uint16", "uint32"])
def test_any_integer_type(name):
    x = ordinary_ids(SEQ_LEN, BATCH_SIZE)
    narrow = x.to(getattr(torch, name))
    wanted = make()(x, torch.Generator().manual_seed(3))
    results = make()(narrow, torch.Generator().manual_seed(3))
    for result, want in zip(results, wanted, strict=True):
        assert result.dtype == narrow.dtype
        assert torch.equal(result.long(), want)


def test_a_generator_repeats_the_masks():
    x, mlm = ordinary_ids(SEQ_LEN, BATCH_SIZE), make()
    generator = torch.Generator().manual_seed(3)
    first, second = mlm(x, generator)[0], mlm(x, generator)[0]
    generator.manual_seed(3)
    assert torch.equal(mlm(x, generator)[0], first)
    assert not torch.equal(first, second)


def test_a_generator_leaves_the_global_one_alone():
    x = ordinary_ids(SEQ_LEN, BATCH_SIZE)
    before = torch.get_rng_state()
    make()(x, torch.Generator().manual_seed(3))
    assert torch.equal(torch.get_rng_state(), before)
    make()(x)
    assert not torch.equal(torch.get_rng_state(), before)


def test_the_generator_advances_by_the_number_of_positions_alone():
    # Text, only padding, forced selection, other probabilities: the next number is the same.
    cases = [
        (make(), ordinary_ids(SEQ_LEN, BATCH_SIZE)),
        (make(), torch.full((SEQ_LEN * BATCH_SIZE,), PADDING)),
        (make(masking_prob=0.0), ordinary_ids(BATCH_SIZE, SEQ_LEN)),
        (make(masking_prob=1.0, randomize_prob=1.0, no_change_prob=0.0), any_ids(SEQ_LEN, 7)),
    ]
    following = set()
    for mlm, x in cases:
        generator = torch.Generator().manual_seed(3)
        mlm(x, generator)
        following.add(float(torch.rand((), generator=generator)))
    assert len(following) == 1


def test_a_small_batch_always_has_something_to_predict():
    # Of batches of 8 tokens 27 % would come out empty.
    mlm = make()
    for _ in range(500):
        masked, labels = mlm(ordinary_ids(8, 1))
        assert (labels != PADDING).any()


def test_the_forced_selection_is_uniform_and_keeps_the_shares():
    # Nothing is selected by chance, so the one that is selected was forced.
    mlm, n_calls, fill = make(masking_prob=0.0, randomize_prob=0.3, no_change_prob=0.5), 3001, 5
    x = torch.tensor([fill, PADDING, fill, MASK, fill, 0, fill, fill])
    positions, fates = torch.zeros(len(x)), {"masked": 0, "random": 0, "kept": 0}
    for _ in range(n_calls):
        masked, labels = mlm(x)
        (position,) = (labels != PADDING).nonzero().squeeze(-1).tolist()
        positions[position] += 1
        token = int(masked[position])
        fates["masked" if token == MASK else "kept" if token == fill else "random"] += 1
    assert positions[[1, 3, 5]].sum() == 0
    for count in positions[[0, 2, 4, 6, 7]]:
        assert_share(count, n_calls, 1 / 5)
    seen = 0.3 / N_ORDINARY
    assert_share(fates["masked"], n_calls, 0.2)
    assert_share(fates["random"], n_calls, 0.3 - seen)
    assert_share(fates["kept"], n_calls, 0.5 + seen)


def test_a_batch_without_ordinary_tokens_stays_as_it_is():
    x = torch.tensor([[PADDING, MASK], [0, 31]])
    masked, labels = make(masking_prob=1.0)(x)
    assert torch.equal(masked, x)
    assert (labels == PADDING).all()


@pytest.mark.parametrize(
    "options, wanted",
    [
        (dict(randomize_prob=0.0, no_change_prob=0.0), "masked"),
        (dict(randomize_prob=1.0, no_change_prob=0.0), "random"),
        (dict(randomize_prob=0.0, no_change_prob=1.0), "kept"),
    ],
)
def test_extremes_leave_one_fate_to_everything(options, wanted):
    x = ordinary_ids(10_007)
    masked, labels = make(masking_prob=1.0, **options)(x)
    assert torch.equal(labels, x)
    if wanted == "masked":
        assert (masked == MASK).all()
    elif wanted == "kept":
        assert torch.equal(masked, x)
    else:
        assert not is_special(masked).any()
        assert_share((masked == x).sum(), len(x), 1 / N_ORDINARY)


def test_shares_that_sum_to_one_mask_nothing():
    masked, _ = make(masking_prob=1.0, randomize_prob=0.9, no_change_prob=0.1)(ordinary_ids(10_007))
    assert (masked != MASK).all()


def test_a_vocabulary_of_one_ordinary_token():
    mlm = MLM(padding_token=0, mask_token=1, n_tokens=3, masking_prob=1.0, randomize_prob=1.0,
              no_change_prob=0.0)  # fmt: skip
    assert mlm(torch.full((5,), 2))[0].tolist() == [2] * 5


def test_no_mask_tokens_may_be_any_iterable_and_name_a_token_twice():
    mlm = make(no_mask_tokens=iter([3, 3, PADDING]))
    assert mlm.no_mask_tokens == [3, 3, PADDING]
    assert len(mlm.ordinary) == N_TOKENS - 3


def test_a_copy_masks_alike():
    x, mlm = ordinary_ids(SEQ_LEN, BATCH_SIZE), make()
    one = mlm(x, torch.Generator().manual_seed(3))[0]
    assert torch.equal(copy.deepcopy(mlm)(x, torch.Generator().manual_seed(3))[0], one)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(masking_prob=1.5), r"masking_prob .* 0 to 1, not 1.5"),
        (dict(masking_prob=-0.1), r"masking_prob .* not -0.1"),
        (dict(masking_prob=float("nan")), r"masking_prob .* not nan"),
        (dict(randomize_prob=float("nan")), r"randomize_prob .* not nan"),
        (dict(randomize_prob=2.0), r"randomize_prob .* not 2.0"),
        (dict(no_change_prob=-1.0), r"no_change_prob .* not -1.0"),
        (dict(randomize_prob=0.6, no_change_prob=0.6), r"0.6 \+ 0.6.* at most 1"),
        (dict(padding_token=N_TOKENS), r"padding_token has id 67, outside .* n_tokens is 67"),
        (dict(mask_token=-1), r"mask_token has id -1"),
        (dict(no_mask_tokens=[3, 99]), r"no_mask_tokens has id 99"),
        (dict(mask_token=PADDING), r"both 65"),
        (dict(n_tokens=0, no_mask_tokens=()), r"padding_token has id 65"),
        (dict(no_mask_tokens=range(65)), r"all 67 tokens .* none is left"),
    ],
)
def test_a_bad_option_is_refused_in_one_line(options, message):
    with pytest.raises(ValueError, match=message) as error:
        make(**options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "x, message",
    [
        (torch.zeros(3), r"integers, these are torch.float32: convert"),
        (torch.zeros(3, dtype=torch.bool), r"integers, these are torch.bool"),
        (torch.tensor([1, N_TOKENS]), r"token id 67 is outside .* 0 to 66"),
        (torch.tensor([1, -1]), r"token id -1 is outside"),
    ],
)
def test_bad_ids_are_refused_in_one_line(x, message):
    with pytest.raises(ValueError, match=message) as error:
        make()(x)
    assert "\n" not in str(error.value)


def test_a_type_too_small_for_the_vocabulary_is_refused():
    # A random token above 127 would come back negative.
    with pytest.raises(ValueError, match=r"torch.int8 cannot hold 131 tokens"):
        make(n_tokens=131)(torch.ones(3, dtype=torch.int8))
