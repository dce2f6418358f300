r"""
# Data

From files to batches of ids, sequence first.

* [Text files](text_files.html) are read, or refused with a line that says what to do.
* A [checked download](download.html) gets what is not there.
* [Corpora](corpora.html) are texts cut into a training and a validation part.
* [WikiText](wikitext.html) is one that comes in three files.
* [Windows](windows.html) turn the ids of a part into batches.
* [Scored windows](scored_windows.html) overlap, so that each token is scored once, with a long
  context.
* [Prompts](prompts.html) lay out a person's own texts in the same way.
"""

from labnn.data.corpora import Corpus as Corpus
from labnn.data.corpora import shakespeare as shakespeare
from labnn.data.corpora import text_file as text_file
from labnn.data.corpora import tiny_shakespeare as tiny_shakespeare
from labnn.data.corpora import wikitext_2 as wikitext_2
from labnn.data.scored_windows import ScoredWindows as ScoredWindows
from labnn.data.text_files import CorpusError as CorpusError
from labnn.data.windows import Windows as Windows
