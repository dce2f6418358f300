r"""
# Generation

From what a model says of the next token to a text.

* [Decoding](decoding.html) is the loop, token by token, and says what a model has to be for it.
* [Greedy decoding](greedy.html) takes the best token each time.
* [Sampling](sampling.html) draws it, with temperature, from the top k, or from the nucleus.
* [Draws](draws.html) belong to a seed and come again, alone or in a batch.
* [Beam search](beam.html) looks for the text that is best as a whole.
* [No repeated n-grams](no_repeat.html) keeps any of them from going round in circles.
* A [window](window.html) that moves lets a text be longer than those of the training.
* [Checks](checks.html) refuse what makes no sense.
"""

from labnn.generation.beam import beam_search as beam_search
from labnn.generation.decoding import decode as decode
from labnn.generation.decoding import pad_left as pad_left
from labnn.generation.decoding import positions as positions
from labnn.generation.decoding import select as select
from labnn.generation.decoding import without_cache as without_cache
from labnn.generation.draws import draw as draw
from labnn.generation.draws import make_generators as make_generators
from labnn.generation.greedy import greedy as greedy
from labnn.generation.no_repeat import no_repeat_ngrams as no_repeat_ngrams
from labnn.generation.sampling import Sampler as Sampler
from labnn.generation.sampling import keep_top_k as keep_top_k
from labnn.generation.sampling import keep_top_p as keep_top_p
from labnn.generation.sampling import with_temperature as with_temperature
from labnn.generation.window import within as within
