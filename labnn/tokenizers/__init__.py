r"""
# Tokenizers

From text to ids and back.

* A [Tokenizer](tokenizer.html) cuts text into pieces and gives each piece a number. It has
  everything but the cutting.
* The [CharacterTokenizer](character.html) cuts after every character.
* The [WordTokenizer](word.html) cuts around words and punctuation marks.
"""

from labnn.tokenizers.character import CharacterTokenizer as CharacterTokenizer
from labnn.tokenizers.tokenizer import Tokenizer as Tokenizer
from labnn.tokenizers.tokenizer import UnknownToken as UnknownToken
from labnn.tokenizers.word import WordTokenizer as WordTokenizer
