r"""
# Runs

What surrounds a training: it is [launched](launch.html) from code or from the
[command line](command.html), which also [lists the options](options.html) and makes a
[dry run](dry_run.html). A [session](session.html) joins the training to its
[folder](run.html), to what is [tracked](tracking.html) and [sampled](samples.html), to the
[console](console.html) and to [interrupts](interrupts.html).
"""
