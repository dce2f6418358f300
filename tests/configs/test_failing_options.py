"""
Options that cannot be computed: they fail, or go round in a circle
"""

import threading

import pytest
from labml.configs import aggregate, option
from torch import nn

from labnn.configs import base
from labnn.configs.base import StrictConfigs
from labnn.configs.types import ConfigError
from tests.configs.examples import error


def test_options_that_need_each_other_are_named_through_nested_configs():
    class Inner(StrictConfigs):
        size: int = 3

    class Outer(StrictConfigs):
        total: int = "sum"
        inner: Inner = "made"

    @option(Outer.inner, "made")
    def make(c) -> Inner:
        conf = Inner()
        conf.set_default(Inner.size, func=lambda: c.total)
        return conf

    option(Outer.total, "sum")(lambda c: c.inner.size + 1)
    words = "these options need each other: total → inner.size → total; give one of them a value"
    assert error(lambda: Outer().total) == words
    assert base._computing.get() == ()
    conf = Outer()
    conf._set_values({"inner.size": 5})
    assert conf.total == 6


def test_threads_that_compute_the_same_option_are_no_circle():
    started, go = threading.Event(), threading.Event()

    class Slow(StrictConfigs):
        value: int = "wait"

    option(Slow.value, "wait")(lambda: started.set() or go.wait(10) and 3)
    conf, results = Slow(), []
    threads = [threading.Thread(target=lambda: results.append(conf.value)) for _ in range(2)]
    for thread in threads:
        thread.start()
        started.wait(10)
    go.set()
    for thread in threads:
        thread.join()
    assert results == [3, 3]


FAILURES = [
    (AttributeError("no such thing"), "x: AttributeError: no such thing"),
    (KeyError("k"), "x: KeyError: 'k'"),
    (TypeError("t"), "x: TypeError: t"),
    (AssertionError(), "x: AssertionError"),
    (ZeroDivisionError("z"), "x: ZeroDivisionError: z"),
    (NotImplementedError("n"), "x: NotImplementedError: n"),
    (RecursionError("r"), "x: RecursionError: r"),
    (StopIteration("s"), "x: StopIteration: s"),
    (ValueError("two\nlines"), "x: two lines"),
    (ConfigError("in its own words"), "in its own words"),
]


@pytest.mark.parametrize("failure, words", FAILURES, ids=lambda f: type(f).__name__)
def test_an_option_that_fails_says_so_with_its_name(failure, words):
    class Failing(StrictConfigs):
        x: int = "fail"
        y: int = "through_x"
        z: int = 3

    def fail():
        raise failure

    option(Failing.x, "fail")(fail)
    option(Failing.y, "through_x")(lambda c: c.x)
    conf = Failing()
    for read in (lambda: conf.y, lambda: getattr(conf, "y", 0), lambda: hasattr(conf, "x")):
        assert error(read) == words
    # A default that is a function is part of the option.
    conf.set_default(Failing.z, func=fail)
    assert error(lambda: conf.z) == words.replace("x:", "z:")
    assert conf._Configs__cached == {} and base._computing.get() == ()


@pytest.mark.parametrize("failure", [RuntimeError, OSError, MemoryError, KeyboardInterrupt])
def test_what_torch_and_the_system_raise_keeps_its_kind(failure):
    class Failing(StrictConfigs):
        x: int = "fail"

    def fail():
        raise failure("from outside")

    option(Failing.x, "fail")(fail)
    with pytest.raises(failure, match="from outside"):
        _ = Failing().x


def test_an_override_is_not_lost_when_its_config_fails_at_first():
    is_broken = [True]

    class Flaky(StrictConfigs):
        kind: nn.Module = "linear"
        width: int = 3

        def __init__(self):
            super().__init__(_primary="kind")

    @option(Flaky.kind, "linear")
    def linear(c):
        return nn.Linear(c.width, int("none" if is_broken else "2"))

    class Outer(StrictConfigs):
        made: nn.Module = "make"
        ready: nn.Module = Flaky()

    option(Outer.made, "make")(lambda: Flaky())
    conf = Outer()
    conf._set_values({"made.width": 5, "ready.width": 7})
    for _ in range(2):
        assert "made.kind: invalid literal" in error(lambda: conf.made)
        assert "ready.kind: invalid literal" in error(lambda: conf.ready)
    is_broken.clear()
    assert (conf.made.in_features, conf.ready.in_features) == (5, 7)


def test_combinations_that_choose_each_other_are_named():
    class Circle(StrictConfigs):
        first: str = "a"
        second: str = "b"

    aggregate(Circle.first, "a", (Circle.second, "b"))
    aggregate(Circle.second, "b", (Circle.first, "a"))
    words = "these options set each other: first → second → first; give one of them a value"
    assert error(lambda: Circle().first) == words
    conf = Circle()
    conf.first = "a"
    assert (conf.first, conf.second) == ("a", "b")
