r"""
# Inheritance

The order is the one that Python gives to real classes, of random families of them.
"""

import random

from docs_gen.linking.inheritance import merged, order


def test_families_are_asked_in_the_order_of_python():
    generator = random.Random(11)
    n_checked = n_refused = 0
    for _ in range(400):
        bases, made = {}, {}
        for number in range(generator.randint(1, 7)):
            chosen = generator.sample(sorted(made), k=min(len(made), generator.randint(0, 3)))
            try:
                made[number] = type(f"C{number}", tuple(made[c] for c in chosen), {})
            except TypeError:
                # Python has no order for these bases.
                n_refused += 1
                continue
            bases[number] = chosen
        names = {kind: number for number, kind in made.items()}
        for number, kind in made.items():
            known = [names[k] for k in kind.__mro__ if k is not object]
            assert order(number, bases.__getitem__) == known
            n_checked += 1
    assert n_checked > 1000 and n_refused > 10


def test_a_class_that_others_inherit_from_comes_after_them():
    bases = {"A": "BC", "B": "D", "C": "D", "D": ""}
    assert order("A", bases.__getitem__) == ["A", "B", "C", "D"]


def test_circles_are_cut_and_what_has_no_order_has_some():
    assert order("A", {"A": "A"}.__getitem__) == ["A"]
    assert order("A", {"A": "B", "B": "CA", "C": "B"}.__getitem__) == ["A", "B", "C"]
    found = order("A", {"A": "BC", "B": "DE", "C": "ED", "D": "", "E": ""}.__getitem__)
    assert found[0] == "A" and sorted(found) == ["A", "B", "C", "D", "E"]
    assert order("A", {"A": "BB", "B": ""}.__getitem__) == ["A", "B"]


def test_nothing_gives_nothing():
    assert merged([]) == merged([[], []]) == []
