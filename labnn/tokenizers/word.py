r"""
# Word Tokenizer

A word is a token. On the corpus that ships with labnn sequences are almost four times shorter than
with [characters](character.html), and no spelling has to be learnt. In exchange the vocabulary is
large, about half of its words occur once, and a word that the corpus lacks cannot be written.

Text is cut into three kinds of pieces, of which the first that fits is taken:

| piece | examples | rule |
|---|---|---|
| a word and its space | `" the"`, `"To"`, `" know't"` | letters, digits, inner apostrophes |
| a punctuation mark | `","`, `"-"`, `"("` | one character |
| white space | `"\n\n"`, `" "` before a bracket | as long as possible |

The space belongs to the word because it is nearly always there: as a piece of its own it would make
sequences half as long again. Nothing is thrown away, so that the pieces joined are the text again.

The [vocabulary](vocabulary.html) has the most frequent words first, each with its count, and
`[UNK]` last, for words that are rare or never seen. Text may be lowered: the case is lost then, and
nothing else.

A `<unk>` in a text is three pieces here, and so is an `[UNK]`. Where a corpus marks rare words in
such a way, it is cut up already, and the [whitespace tokenizer](whitespace.html) reads the mark as
what it is.

Marks that combine with the letter before them belong to a word if they are of the common block
(U+0300 to U+036F). Scripts that write vowels as marks of other blocks are cut at them: without
loss, but not at words.
"""

import re

from labnn.tokenizers.vocabulary import UNKNOWN, WordVocabulary

# The three rows of the table. White space comes twice: where a word follows, the last space is left
# to the word.
PIECE = re.compile(
    r" ?[\w\u0300-\u036f]+(?:['\u2019][\w\u0300-\u036f]+)*"
    r"|[^\w\s]"
    r"|\s+(?= [\w\u0300-\u036f])"
    r"|\s+"
)


class WordTokenizer(WordVocabulary, type="word"):
    """
    ## WordTokenizer

    One token per word, punctuation mark or stretch of white space. No text can clash with `[UNK]`,
    since brackets are always cut off.
    """

    pattern = PIECE
    behind = (UNKNOWN,)
