import types

import pytest
import torch

from tests.shape_notes import Axes, instrument

PAGE = '''
import torch
def causal_mask(seq_len: int):
    """Returns shape `[seq_len, seq_len, 1]`"""
    mask = torch.ones(seq_len, seq_len, WIDTH)
    return mask

class Cell:
    def __init__(self):
        self.d_model = 7
        # `self.table` has shape `[4, d_model]`
        self.table = torch.zeros(4, WIDTH * 7)

    def forward(self, x, *, state=None):
        """
        * `x` has shape `[seq_len, batch_size, d_model]`
        * `state` has shape `[batch_size, d_model]`
        * `out` has shape `[seq_len, batch_size, d_model]`
        * `last` has shape `[batch_size, d_model]`
        """
        rows = []
        for row in x:
            # `step` has shape `[batch_size, d_model]`
            step = row if state is None else row + state
            rows.append(step)
        out, last = torch.stack(rows), rows[-1]
        if FLIP:
            out = out.transpose(0, 1)
        return out, last
'''


def page(width=1, flip=False):
    scope = {"__Axes__": Axes, "WIDTH": width, "FLIP": flip}
    exec(compile(instrument(PAGE), "<page>", "exec"), scope)
    return types.SimpleNamespace(**scope)


def test_true_notes_pass():
    page().causal_mask(5)
    page().Cell().forward(torch.randn(5, 3, 7), state=torch.randn(3, 7))


@pytest.mark.parametrize(
    "wrong, note",
    [
        (lambda: page(width=2).causal_mask(5), "the result"),
        (lambda: page(width=2).Cell(), "self.table"),
        (lambda: page().Cell().forward(torch.randn(3, 7)), "x is"),
        (lambda: page().Cell().forward(torch.randn(5, 3, 7), state=torch.randn(1, 7)), "state is"),
        (lambda: page(flip=True).Cell().forward(torch.randn(5, 3, 7)), "out is"),
    ],
)
def test_wrong_notes_fail(wrong, note):
    with pytest.raises(AssertionError, match=note):
        wrong()


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    # `y` has shape `[2]`\n    return x\n",
        "def f(x):\n    y = x\n    # `y` has shape `[2]`\n",
        "# `y` has shape `[2]`\ny = 1\n",
    ],
)
def test_a_note_that_is_never_checked_is_an_error(source):
    with pytest.raises(SyntaxError):
        instrument(source)
