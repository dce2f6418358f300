import pytest
import torch

from labnn.transformers.masks import causal_mask, check_mask, combine_masks, padding_mask

SEQ_LEN, BATCH_SIZE = 5, 3
PADDING = 11


def test_by_hand():
    # The example of the page: three positions, the last of which is padding.
    causal = causal_mask(3)
    padding = padding_mask(torch.tensor([[4], [0], [PADDING]]), PADDING)
    both = combine_masks(causal, padding)
    assert causal[:, :, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert padding[:, :, 0].int().tolist() == [[1, 1, 0]]
    assert both[:, :, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 0]]


def test_causal_is_the_lower_triangle():
    mask = causal_mask(SEQ_LEN)
    assert mask.dtype == torch.bool and mask.shape == (SEQ_LEN, SEQ_LEN, 1)
    assert torch.equal(mask[:, :, 0], torch.ones(SEQ_LEN, SEQ_LEN).tril().bool())
    assert causal_mask(0).shape == (0, 0, 1)


def test_a_continued_text_has_the_last_rows_of_its_mask():
    for seq_len in range(SEQ_LEN + 1):
        mask = causal_mask(seq_len, n_before=SEQ_LEN - seq_len)
        assert torch.equal(mask, causal_mask(SEQ_LEN)[SEQ_LEN - seq_len :])


def test_the_causal_mask_is_made_on_the_device_that_is_asked_for():
    assert causal_mask(SEQ_LEN, device=torch.device("meta")).device.type == "meta"


def test_every_pair_is_allowed_when_both_masks_allow_it():
    x = torch.randint(PADDING - 2, PADDING + 1, (SEQ_LEN, BATCH_SIZE))
    before = x.clone()
    mask = combine_masks(causal_mask(SEQ_LEN), None, padding_mask(x, PADDING))
    assert mask.dtype == torch.bool and mask.shape == (SEQ_LEN, SEQ_LEN, BATCH_SIZE)
    for i in range(SEQ_LEN):
        for j in range(SEQ_LEN):
            for b in range(BATCH_SIZE):
                assert mask[i, j, b].item() == (j <= i and x[j, b].item() != PADDING)
    assert torch.equal(x, before)


def test_none_allows_everything():
    mask = causal_mask(SEQ_LEN)
    assert combine_masks() is None and combine_masks(None, None) is None
    assert torch.equal(combine_masks(None, mask), mask)


def test_combining_does_not_modify_its_parts():
    causal, nothing = causal_mask(SEQ_LEN), torch.zeros(1, 1, 1, dtype=torch.bool)
    assert not combine_masks(causal, nothing).any()
    assert torch.equal(causal, causal_mask(SEQ_LEN))


@pytest.mark.parametrize("shape", [(5, 7, 3), (1, 7, 3), (5, 1, 3), (5, 7, 1), (1, 1, 1)])
def test_axes_have_their_size_or_one(shape):
    check_mask(torch.ones(shape, dtype=torch.bool), 5, 7, 3)


@pytest.mark.parametrize(
    "shape", [(7, 5, 3), (3, 5, 7), (5, 7), (5, 7, 2), (1, 5, 7, 3), (0, 7, 3)]
)
def test_a_wrong_shape_is_refused(shape):
    with pytest.raises(ValueError) as error:
        check_mask(torch.ones(shape, dtype=torch.bool), 5, 7, 3)
    assert str(list(shape)) in str(error.value) and "[5, 7, 3]" in str(error.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.uint8])
def test_a_mask_of_numbers_is_refused(dtype):
    with pytest.raises(ValueError, match=f"dtype {dtype}.*boolean"):
        check_mask(torch.ones(5, 7, 3, dtype=dtype), 5, 7, 3)
