r"""
# Experiments

One file a run. Each chooses parts of the library, says what differs from the defaults, and can be
run from the command line or from code:

    python -m experiments.mlm batch_size=32
    experiments.mlm.main({"batch_size": 32})

[Masked Language Model](mlm.html) fills in hidden characters of Shakespeare.
"""
