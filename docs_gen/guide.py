r'''
# How to Annotate

A page is a Python file that runs. Its docstrings and comments are the notes, and stand beside the
code that they explain.

To begin, put this into `your_package/softmax.py`,

```python
r"""
# Softmax

Numbers become shares that add up to one:

$$\operatorname{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$
"""

import math


def softmax(x: list[float]) -> list[float]:
    r"""The shares do not change when all of `x` become larger by the same number."""
    # So the largest becomes zero: `exp` of 1000 is more than a float can hold.
    shares = [math.exp(value - max(x)) for value in x]

    # $\sum_j e^{x_j}$
    total = sum(shares)
    return [share / total for share in shares]
```

and this beside it, into `your_package/__init__.py`:

```python
"""
# Your Project

What it is for, in a sentence or two.

## Start here

1. [Softmax](softmax.html)
"""
```

Then see it while you write. The page comes anew whenever you save a file:

    python -m docs_gen serve your_package -o site

Nothing is imported and nothing is run, so a page may need what is not installed. What is written
where:

* The docstring of a file is its lead. The first heading is the title, and the first paragraph the
  summary that other pages show.
* The docstring of a class or function is the note of its header.
* A comment on lines of its own is the note of the code below it, up to the next note. A comment
  beside code, or one that speaks to a tool, such as `# noqa`, stays code.
* The docstring of a package is prose, and the order of its links that of its pages. In the first
  package a list below "Start here" is the path that the home page offers.

Below, this page is its own example. When yours can be read, [publish it](publishing.html).
'''

from collections.abc import Iterable


class RunningMean:
    r"""
    ## Equations

    TeX between dollar signs: $m_t$ in a line, and on lines of its own with two on each side.

    $$m_t = m_{t-1} + \frac{x_t - m_{t-1}}{t}$$

    Say what its letters are called in the code, in a table:

    ```markdown
    | symbol | code   | meaning               |
    |--------|--------|-----------------------|
    | $m_t$  | `mean` | mean of $t$ numbers   |
    ```

    A docstring with a backslash must be raw, with an `r` before its quotes, or Python makes a tab
    of `\t`. Words are `\text{model}`, and a [colour](writing/colours.html#COLOURS) has a meaning:
    `\textcolor{query}{Q}` is $\textcolor{query}{Q}$.
    """

    def __init__(self):
        """The mean of no numbers is zero."""
        # ### Notes of lines
        #
        # Markdown, above the step that is explained, never beside it. Say why, which term of the
        # equation, what would go wrong otherwise; not what the line says by itself.
        self.n = 0
        self.mean = 0.0

    def add(self, x: float) -> float:
        r"""
        ### Links

        Names in code lead to their definition. In a note square brackets around a name do,
        ``[`RunningMean`]`` is [`RunningMean`], and all else is written like files:
        `[colours](writing/colours.html#COLOURS)`. One that leads nowhere stops the build with its
        line and what is near.

        A definition has its name for an anchor, `#RunningMean.add`, a line `#L47`, a heading its
        words, and any other note something made of its words. When you add a note above, only the
        numbers of lines change.
        """
        self.n += 1

        # $\frac{x_t - m_{t-1}}{t}$ becomes small as $t$ grows. The sum of all numbers, which may
        # become too large, is never kept.
        self.mean += (x - self.mean) / self.n
        return self.mean


def mean(numbers: Iterable[float]) -> float:
    r"""
    ## Images and results

    `![The mean settles](settles.svg)` shows a file that lies beside the source, and travels with
    the site. Its words are for who cannot see it. Nothing is loaded from another host: link to it.

    What a run has done is shown from its [record](records/results.html), with `--records FOLDER`.
    Numbers that stand in a note are drawn by a [curve block](records/curve_blocks.html).

    ````markdown
    ```result
    run: mlm
    show: loss, samples
    ```
    ````
    """
    running = RunningMean()
    for x in numbers:
        running.add(x)

    # ## Front matter
    #
    # A file may say at its very top what other pages call it, as some sites want it:
    #
    # ```yaml
    # ---
    # title: Running Mean
    # summary: The mean of numbers that come one by one
    # ---
    # ```
    #
    # None is needed: the first heading and the first paragraph do the same.
    return running.mean
