r"""
# Experiments

One file a run. Each chooses parts of the library, says what differs from the defaults, and can be
run from the command line,

```sh
python -m experiments.mlm batch_size=32
```

or from code, with the same names of options:

```python
from experiments import mlm

mlm.main({"batch_size": 32})
```

[Masked Language Model](mlm.html) fills in hidden characters of Shakespeare.
[Word-Level Language Model](transformer_lm.html) predicts each word from those before it.
"""

import signal
import sys

# The imports of an experiment take a second or two, and Ctrl-C in that time would end in a
# traceback through them. While `python -m` looks for the program, its name is `-m`. Later the
# command takes the signal over.
if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
