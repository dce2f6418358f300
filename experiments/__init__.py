r"""
# Experiments

One file a run. Each chooses parts of the library, says what differs from the defaults, and can be
run from the command line or from code:

    python -m experiments.mlm batch_size=32
    experiments.mlm.main({"batch_size": 32})

[Masked Language Model](mlm.html) fills in hidden characters of Shakespeare.
"""

import signal
import sys

# The imports of an experiment take a second or two, and Ctrl-C in that time would show where they
# are. While `python -m` looks for the program, its name is `-m`. The command takes the signal over.
if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
