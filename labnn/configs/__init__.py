r"""
# Configs

The parts of an experiment, named, with defaults, and computed when they are first read.

**Options.** [Types](types.html) say what an option takes. [Strict configs](base.html) are labml's,
with its silent failures closed; [rules](rules.html) are for class bodies,
[overrides](overrides.html) for values by name, [arguments](command_line.html) for those that are
typed, [written options](written_options.html) for what is kept of them, and [guards](guards.html)
for labml itself.

**Training.** A training is put together from the [position](position.html) in a run, its
[extent](extent.html), the [loop](loop.html), its [rounds](rounds.html), the
[device and precision](device.html), [compiling](compiling.html), [scores](scores.html),
[one update](update.html) and the [step](training.html); its [state](state.html) is what survives,
and [saving](saving.html) has the options for that.

**Parts.** Experiments choose among those of [texts](text.html), [transformers](transformer.html)
with their [feed-forward networks](feed_forward.html), also [on text](transformer_text.html), and
[optimizers](optimizer.html) with their [schedules](schedule.html). Their tasks are
[masking](masking.html) and the [prediction of the next token](language_model.html), with which
models [write](generating.html).
"""
