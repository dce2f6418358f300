r"""
# Runs

What surrounds a training: it is [launched](launch.html) from code or from the
[command line](command.html), which also [lists the options](options.html) and makes a
[dry run](dry_run.html). A [session](session.html) joins the training to its
[folder](run.html), to what is [tracked](tracking.html) and [sampled](samples.html), to
[TensorBoard](tensorboard.html), to what is [told](telling.html) at the [console](console.html), and
to [interrupts](interrupts.html). Two of its files [only grow](growing.html).

**What survives.** The [keeper](keeper.html) says when to save and watches what is
[best](best.html). [Packing](packing.html) turns state into files, a [checkpoint](checkpoint.html)
is written such that it is whole or not there, its [manifest](manifest.html) tells damage, and the
[shelf](shelf.html) drops what is old. A run [goes on](resume.html) from there, says
[how](how.html) that is done and refuses what [may not change](changes.html), and its
[lock](lock.html) keeps others out.

**Looking.** [Folders](folders.html) finds runs, [contents](contents.html) knows what they have
written, and [reading](reading.html) takes no file on trust, for the [list of runs](looking.html),
the [description](describing.html) of one and the [comparison](comparing.html) of several, in
[plain text](plain_text.html). A [summary](summary.html) becomes a [record](record.html) that is
kept, or a [report](report.html) for the browser.

**Using.** A run is [loaded](load.html) from its folder if its weights [fit](fitting.html): to
[fill in](fill.html) hidden tokens, to be [evaluated](evaluate.html), or to be
[exported](export.html). Whatever goes wrong is one line and an [exit code](exits.html).
"""
