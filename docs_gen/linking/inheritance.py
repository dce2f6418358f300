r"""
# Inheritance

In which order Python asks a class and those that it inherits from for a member: a class before its
bases, these from left to right, and one that several of them inherit from after all of these
([C3 linearization](https://docs.python.org/3/howto/mro.html)). Python refuses the few cases which
have no such order; here any order will do, since the file is read and not run.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Kind = TypeVar("Kind", bound=Hashable)


def order(
    kind: Kind, bases_of: Callable[[Kind], Iterable[Kind]], above: tuple[Kind, ...] = ()
) -> list[Kind]:
    """
    A class and those that it inherits from

    * `bases_of` gives the bases of one class; circles, of code that was never run, are cut
    * `above` are the classes on the way to this one
    """
    above = (*above, kind)
    bases = [base for base in dict.fromkeys(bases_of(kind)) if base not in above]
    return [kind, *merged([*(order(base, bases_of, above) for base in bases), bases])]


def merged(lines: list[list[Kind]]) -> list[Kind]:
    """One order out of several, which keeps each of them where that is possible"""
    found: list[Kind] = []
    while lines := [line for line in lines if line]:
        later = {kind for line in lines for kind in line[1:]}
        # Where no class has to come first, Python refuses, and we take any.
        kind = next((line[0] for line in lines if line[0] not in later), lines[0][0])
        found.append(kind)
        lines = [[other for other in line if other != kind] for line in lines]
    return found
