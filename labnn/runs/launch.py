r"""
# Launch

An experiment is run by [`launch`], which takes the class of its configs and what it changes from
the defaults, and returns the finished configs. A new experiment needs no change here.

labml's own form works as well:

```python
experiment.create(name="mine", writers=set())
conf = Configs()
experiment.configs(conf, {"batch_size": 32})
attach(conf)
with experiment.start():
    conf.run()
```

There [`attach`] takes the place that `experiment.add_pytorch_models` had in older versions of
labml.
"""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from labml import experiment, lab

from labnn.configs.guards import check_registered
from labnn.configs.loop import Listener
from labnn.configs.overrides import given, resolve, template
from labnn.runs.how import in_code, in_own_form
from labnn.runs.plain_text import say
from labnn.runs.resume import reopen
from labnn.runs.session import Session
from labnn.runs.tracking import Plain, go_on_in, quiet, reset_tracker


def prepared(cls: type, options: dict, *layers: dict | None) -> tuple[Any, dict]:
    """
    The configs of an experiment before they get their values, and the values. Raises `ConfigError`.

    A layer may choose a config of which the next one sets options, so each is looked up with those
    before it. What the experiment set for a part that a person exchanges goes with that part: the
    rate of Noam is none for Adam, and another network has other sizes.
    """
    values, own = resolve(cls(), options), {}
    for layer in layers:
        conf = cls()
        known = {**values, **own}
        conf._set_values(known)
        chosen = resolve(conf, layer or {})
        # Who takes another part begins with its defaults.
        for name, value in chosen.items():
            part = exchangeable(conf, name)
            if part and repr(value) != repr(known.get(name, default(conf, name))):
                below = [other for other in values if other.startswith(f"{part}.")]
                values = {other: values[other] for other in values if other not in below}
        own.update(chosen)
    return cls(), {**values, **own}


def exchangeable(conf: Any, name: str) -> str | None:
    """The part that an option chooses as a whole: it names a config, or what one stands for."""
    if part_at(conf, name) is not None:
        return name
    parent, _, last = name.rpartition(".")
    # A config of which the class is not known before it is made has no parts to exchange yet.
    known = part_at(conf, parent) if parent else None
    return parent if getattr(known, "_primary", None) == last else None


def part_at(conf: Any, name: str) -> Any:
    """The config behind a name, to look things up, or `None`"""
    for key in name.split("."):
        conf = template(conf, key) if conf is not None else None
    return conf


def launch(
    name: str,
    cls: type,
    options: dict,
    *overrides: dict | None,
    resume: str | None = None,
    allow_change: Iterable[str] = (),
    how: Callable[[Path], str] = in_code,
) -> Any:
    """
    Run an experiment and return its configs. Raises `ConfigError` for a mistake in the options or
    in the text, before a folder is made, and `RunError` for a run that cannot go on.

    * `name` is the folder of its runs
    * `cls` is the class of its configs
    * `options` is what the experiment changes from the defaults of the class
    * `overrides` is what this run changes from that, the later ones before the earlier
    * `resume` is a run that goes on, in its own folder and with its own options
    * `allow_change` are options that may differ from those of that run
    * `how` tells a person how to go on with a run, by its folder
    """
    if resume is None:
        conf, values = prepared(cls, options, *overrides)
        session = Session(name, values, asked(cls, options, *overrides), how=how)
        return start(name, cls, conf, values, session)
    # This takes the lock of the run, which is given back whatever happens.
    resumed = reopen(resume, name, cls, allow_change)
    try:
        before = resumed.overrides(overrides)
        conf, values = prepared(cls, before, *overrides)
        resumed.compare(cls, values)
        if story := resumed.is_complete():
            say(story)
            objects = {name: values[name] for name in resumed.objects if name in values}
            return loaded(resumed.folder, cls, objects)
        changed = asked(cls, before, *overrides) | {*resumed.info.get("asked", [])}
        session = Session(name, values, changed, resumed=resumed, how=how)
        return start(name, cls, conf, values, session)
    finally:
        resumed.lock.release()


def loaded(folder: Path, cls: type, objects: dict[str, Any]) -> Any:
    """
    The configs of a run that is complete, with its last weights.

    * `objects` are the values that no file holds
    """
    from labnn.runs.load import load

    return load(folder, checkpoint="latest", overrides=objects, cls=cls)[0]


def start(name: str, cls: type, conf: Any, values: dict, listener: Listener) -> Any:
    """
    What `launch` and `dry_run` share.

    * `conf` and `values` are what `prepared` gives
    * `listener` surrounds the training
    """
    with quiet():
        lab.configure({"path": str(Path.cwd()), "check_repo_dirty": False})
        reset_tracker()
        experiment.create(uuid="unnamed", name=name, writers=set(), python_file=source_file(cls))
        experiment.configs(conf, values)
    conf._listener = listener
    try:
        listener.open()
        with quiet(Plain()):
            conf.run()
    finally:
        listener.close()
    return conf


def source_file(cls: type) -> str:
    """Where a class is written; nowhere if it was typed at a prompt"""
    try:
        return inspect.getfile(cls)
    except (OSError, TypeError):
        return ""


def asked(cls: type, options: dict, *overrides: dict | None) -> set[str]:
    """The options that a person gave another value than they have by themselves"""
    conf, before = prepared(cls, options)
    _, after = prepared(cls, options, *overrides)
    return {
        name
        for name, value in after.items()
        if repr(value) != repr(before[name] if name in before else default(conf, name))
    }


def default(conf: Any, name: str) -> Any:
    """The value of an option that was not given one, as far as it is known before the run"""
    head, _, rest = name.partition(".")
    nested = template(conf, head) if rest else None
    return given(conf, head) if nested is None else default(nested, rest)


def attach(conf: Any, resume: str | None = None, allow_change: Iterable[str] = ()) -> None:
    """
    Track, save and show a run in labml's own form. It stands between `experiment.configs` and
    `experiment.start`, and the files go to labml's folder.

    * `resume` is a run that goes on, by its name or path, in its own folder
    * `allow_change` are options that may differ from those of that run
    """
    check_registered(conf)
    reset_tracker()
    values, resumed, story = conf._overrides(), None, ""
    if resume is not None:
        resumed = reopen(resume, None, type(conf), allow_change)
        try:
            resumed.compare(type(conf), values)
            if story := resumed.is_complete():
                say(story)
            go_on_in(resumed.folder)
        except BaseException:
            resumed.lock.release()
            raise
    conf._listener = Session(None, values, resumed=resumed, how=in_own_form)
    # A run that is complete trains no more.
    conf._listener.is_idle = bool(story)
