r"""
# labnn

Building blocks for language models, written from scratch and annotated line by line, and
experiments that put them together.

A reader may follow the data. Text becomes ids in [tokenizers](tokenizers/index.html), ids become
batches in [data](data/index.html), and tokens are hidden by [MLM](transformers/mlm.html). The
[layers](layers/index.html) and the blocks of the [transformers](transformers/index.html) make up
the [models](models/index.html), which [optimizers](optimizers/index.html) change a little at each
update. None of these pages needs labml, and each can be copied out.

[Configs](configs/index.html) give every part a name and a default, and [runs](runs/index.html) are
what surrounds a training: folders, files, terminals, signals. The experiments choose parts and say
what differs.
"""

__version__ = "0.1.0"
