r"""
# Tokenizers

From text to ids and back.

* A [Tokenizer](tokenizer.html) cuts text into pieces and gives each piece a number. It has
  everything but the cutting.
* The [CharacterTokenizer](character.html) cuts after every character.
* The [WordTokenizer](word.html) cuts around words and punctuation marks.
* The [WhitespaceTokenizer](whitespace.html) reads text that is cut up already, and its lines.
* Both of words have a [vocabulary](vocabulary.html) with counts, an order and one unknown token.
* The [SubwordTokenizer](subword.html) cuts words into parts, down to bytes if need be. Its
  [training](subword_training.html) finds out which parts.
"""

from labnn.tokenizers.character import CharacterTokenizer as CharacterTokenizer
from labnn.tokenizers.subword import SubwordTokenizer as SubwordTokenizer
from labnn.tokenizers.tokenizer import Tokenizer as Tokenizer
from labnn.tokenizers.tokenizer import UnknownToken as UnknownToken
from labnn.tokenizers.vocabulary import UnknownWords as UnknownWords
from labnn.tokenizers.vocabulary import WordVocabulary as WordVocabulary
from labnn.tokenizers.whitespace import WhitespaceTokenizer as WhitespaceTokenizer
from labnn.tokenizers.word import WordTokenizer as WordTokenizer
