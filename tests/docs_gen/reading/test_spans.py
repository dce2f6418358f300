r"""
# Spans

What is marked between single backticks, by hand.
"""

import pytest

from docs_gen.reading.spans import spans


@pytest.mark.parametrize(
    "written, meant",
    [
        (r"where :math:`x_i` is", "where $x_i$ is"),
        (":math:`a +\n  b`", "$a + b$"),
        ("a :class:`Tensor`, :meth:`~torch.Tensor.to`", "a `Tensor`, `torch.Tensor.to`"),
        (":py:func:`f` and :c:type:`int`", "`f` and `int`"),
        (":ref:`the rest <rest-label>` of it", "`the rest` of it"),
        (":class:`!Hidden`", "`Hidden`"),
        ("`A title <https://a.example/b>`_.", "[A title](https://a.example/b)."),
        ("`A title over\ntwo <http://a.example>`__", "[A title over\ntwo](http://a.example)"),
    ],
)
def test_what_other_dialects_mark(written, meant):
    assert spans(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        "`code`, ``code``, a: `b`, 10:30",
        "``:class:`Tensor` ``",
        "`x` < `y`, `List<int>`",
        "[a](https://b.example)",
        "see :ref: and `a <b>`",
        "`d[a:b:`",
    ],
)
def test_what_is_markdown_stays(text):
    assert spans(text) == text
