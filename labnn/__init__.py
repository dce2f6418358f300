r"""
# labnn

Building blocks for language models, written from scratch and annotated line by line, and
experiments that put them together.

## Start here

1. [The experiment](../experiments/mlm.html) shows what all of this is for: a small model fills in
   hidden letters of Shakespeare.
2. [Masked language modelling](transformers/mlm.html) makes the exercise of it, by hiding letters in
   a way that is easy to get wrong.
3. [Multi-head attention](transformers/mha.html) is the idea that everything else is built around:
   each position asks all others.
4. [The encoder](transformers/encoder.html) stacks attention and small networks so that gradients
   still find their way back.
5. [The model](models/transformer.html) puts the parts between ids and predictions, in a page of
   code.

## The rest

A reader may also follow the data. Text becomes ids in [tokenizers](tokenizers/index.html), ids
become batches in [data](data/index.html), and tokens are hidden by [MLM](transformers/mlm.html).
The [layers](layers/index.html) and the blocks of the [transformers](transformers/index.html) make
up the [models](models/index.html). The [losses](losses/index.html) measure how far predictions are
from the text, and [optimizers](optimizers/index.html) change the weights a little at each update.
[Generation](generation/index.html) writes new text with what was learnt. None of these pages needs
labml, and each can be copied out.

[Configs](configs/index.html) give every part a name and a default, and [runs](runs/index.html) are
what surrounds a training: folders, files, terminals, signals. The
[experiments](../experiments/index.html) choose parts and say what differs.

These pages are the source itself, rendered by [docs_gen](../docs_gen/index.html), which makes a
website of any annotated Python:

```sh
python -m docs_gen build \
    labnn experiments docs_gen -o site
```
"""

__version__ = "0.1.0"
