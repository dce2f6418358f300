import copy
import json
import sys

import numpy as np
import pytest
import torch

from labnn.data import shakespeare
from labnn.data.prompts import prompt_batch
from labnn.tokenizers import SubwordTokenizer, Tokenizer, subword_training

TEXT = shakespeare().train[:20_011]
MADE = {
    kind: SubwordTokenizer.from_text(TEXT, kind=kind, n_tokens=601) for kind in ("bpe", "unigram")
}
BOTH = pytest.mark.parametrize("tokenizer", MADE.values(), ids=MADE)
HARD = [
    "",
    " ",
    "\n",
    "  \n\n   \t\r\n ",
    "a" + " " * 1009 + "b",
    "\0\x7f\x80\xad\xff",
    "nai\u0308ve na\u00efve \ufb01 \u00bd \u200b\ufeff",
    "\u6f22\u5b57\u3000\u304b\u306a",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea",
    r"\xf0 \xe6\xbc\xa2 <0xE2> [UNK] <unk> </s> Ġthe ▁the",
    "\ud800",
    "a\udc80b \udfff\ud800\n",
    "\ud83d\ude00",
]


@BOTH
@pytest.mark.parametrize("text", [*HARD, "".join(HARD), TEXT[:3001]], ids=lambda t: ascii(t[:20]))
def test_decoding_undoes_encoding(tokenizer, text):
    ids, pieces = tokenizer.encode(text), tokenizer.split(text)
    assert tokenizer.decode(ids) == text
    assert "".join(pieces) == text and len(pieces) == len(ids)
    assert tokenizer.unknown(text) == []


@BOTH
def test_random_text_comes_back(tokenizer):
    alphabet = [*"abc  \n\n\t.,'019", *"\u00e9\u0301\u6f22\U0001f600\ud800\udc00\u2028\u00a0\0"]
    random = np.random.default_rng(0)
    for _ in range(307):
        text = "".join(random.choice(alphabet, size=random.integers(0, 31)))
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert "".join(tokenizer.split(text)) == text


@BOTH
def test_long_text_is_cut_as_a_whole(tokenizer, monkeypatch):
    whole = tokenizer.encode(TEXT)
    monkeypatch.setattr(subword_training, "PART", 97)
    assert (tokenizer.encode(TEXT) == whole).all()


def test_by_hand():
    # Bytes come first, then the merges: lo, low.
    tokenizer = SubwordTokenizer.from_text("low low low lower slot", n_tokens=258)
    assert tokenizer.n_tokens == 258 and tokenizer.tokens[256:] == ("lo", "low")
    assert tokenizer.split("slow lot") == ["s", "low", " ", "lo", "t"]
    assert tokenizer.unknown_token is None
    # Visible letters are counted from the exclamation mark, the space is the 33rd of the others,
    # which come behind the 94 visible ones of ASCII and 94 of Latin-1.
    s, t = ord("s") - ord("!"), ord("t") - ord("!")
    assert tokenizer.encode("slow lot").tolist() == [s, 257, 188 + 32, 256, t]


@BOTH
def test_a_piece_has_the_characters_that_begin_in_it(tokenizer):
    text = "a\u00e9\u6f22\U0001f600."
    # By their bytes: no such character is in the text that was learnt from.
    assert tokenizer.split(text) == [
        *("a", "\u00e9", "", "\u6f22", "", "", "\U0001f600", "", "", "", ".")
    ]
    tokens = [tokenizer.tokens[number] for number in tokenizer.encode(text)]
    assert tokens == [
        *("a", r"\xc3", r"\xa9", r"\xe6", r"\xbc", r"\xa2", r"\xf0", r"\x9f", r"\x98", r"\x80", ".")
    ]


def test_a_token_may_begin_and_end_inside_characters():
    # Both characters begin with the byte e6, and a word has the space before it.
    tokenizer = SubwordTokenizer.from_text(" \u6f22 \u6f23 \u6f24" * 5, n_tokens=258)
    assert r" \xe6\xbc" in tokenizer.tokens or r"\xe6\xbc" in tokenizer.tokens
    assert tokenizer.split(" \u6f2a") == [" \u6f2a", ""]
    for start in range(3):
        ids = tokenizer.encode(" \u6f2a\u6f22")[start:]
        assert set(tokenizer.decode(ids)) <= {" ", "\u6f2a", "\u6f22", "\ufffd"}


@BOTH
def test_of_english_piece_and_token_are_the_same(tokenizer):
    ids = tokenizer.encode(TEXT)
    assert [tokenizer.tokens[number] for number in ids] == tokenizer.split(TEXT)
    assert len(ids) < len(TEXT) / 2
    assert [tokenizer.ids[token] for token in tokenizer.tokens] == [*range(tokenizer.n_tokens)]


@BOTH
def test_bytes_that_are_no_character_become_the_replacement_character(tokenizer):
    ids = tokenizer.encode("a\U0001f600b").tolist()
    assert len(ids) == 6
    assert tokenizer.decode(ids[:3]) == "a\ufffd"
    assert tokenizer.decode(ids[3:]) == "\ufffd\ufffdb"
    assert tokenizer.decode([ids[4], ids[0]]) == "\ufffda"


def test_shown_tokens_are_not_confused_with_text_that_looks_like_them():
    text = r"\xe2\x82 \xf0" * 307 + "\u20ac\u20ac" * 307 + "\\\u20ac" * 53
    for kind in MADE:
        tokenizer = SubwordTokenizer.from_text(text, kind=kind, n_tokens=307)
        assert len({*tokenizer.tokens}) == tokenizer.n_tokens > 256
        assert tokenizer.decode(tokenizer.encode(text)) == text


@BOTH
def test_torch_takes_the_ids_at_once(tokenizer):
    for text in ("to be", "", "\ud800"):
        ids = tokenizer.encode(text)
        assert ids.dtype == np.int64 and ids.ndim == 1 and ids.flags.writeable
        assert tokenizer.decode(torch.from_numpy(ids)) == text
    with pytest.raises(ValueError, match="no token has the id 601: there are 601 tokens"):
        tokenizer.decode([0, 601])


@BOTH
def test_prompts_have_a_piece_for_each_id(tokenizer):
    texts = ["to be \U0001f600 or", ""]
    batch = prompt_batch(tokenizer, texts, seq_len=3, padding_token=601, mask_token=602)
    assert batch.unknown == [] and ["".join(pieces) for pieces in batch.pieces] == texts
    rows = batch.rows(batch.ids)
    assert [tokenizer.decode(row) for row in rows] == texts


@BOTH
def test_saved_data_gives_the_same_tokenizer(tokenizer):
    text = json.dumps(tokenizer.to_dict())
    again = Tokenizer.from_dict(json.loads(text))
    assert type(again) is SubwordTokenizer and json.dumps(again.to_dict()) == text
    hard = "".join(HARD) + TEXT
    assert (again.encode(hard) == tokenizer.encode(hard)).all()
    # What the library reads is complete without us.
    data = json.dumps(json.loads(text)["library"])
    theirs = subword_training.library().Tokenizer.from_str(data)
    assert theirs.encode(TEXT).ids == tokenizer.encode(TEXT).tolist()


def vocab(data):
    return data["library"]["model"]["vocab"]


@pytest.mark.parametrize(
    "change, wrong",
    [
        (lambda data: data.pop("tokens"), "'tokens'. is missing"),
        (lambda data: data.pop("library"), "no byte-level tokenizer"),
        (lambda data: data.update(library="{"), "no byte-level tokenizer"),
        (lambda data: data["library"]["model"].update(type="None"), "no byte-level tokenizer"),
        (lambda data: vocab(data).append(["a b", -1.0]), "no byte-level tokenizer"),
        (lambda data: vocab(data).remove(["a", dict(vocab(data))["a"]]), "255 of them bytes"),
        (lambda data: data["tokens"].reverse(), "are not those"),
    ],
)
def test_saved_data_that_is_no_tokenizer_is_refused(change, wrong):
    data = copy.deepcopy(MADE["unigram"].to_dict())
    change(data)
    with pytest.raises(ValueError, match=wrong) as caught:
        Tokenizer.from_dict(data)
    assert "\n" not in str(caught.value)


def test_ids_with_a_gap_are_refused():
    saved = MADE["bpe"].to_dict()["library"]
    saved["model"]["vocab"]["zzz"] = 607
    with pytest.raises(ValueError, match="602 tokens, 256 of them bytes, have ids up to 607"):
        SubwordTokenizer(saved)


@pytest.mark.parametrize(
    "texts, options, wrong",
    [
        ([], {}, "is empty"),
        (["", ""], {"kind": "unigram"}, "is empty"),
        (["a"], {"n_tokens": 255}, "n_tokens=255 is too small: .* 256 bytes"),
        (["a"], {"n_tokens": -1}, "n_tokens=-1"),
        (["a"], {"kind": "wordpiece"}, "kind='wordpiece' .*bpe or unigram"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(texts, options, wrong):
    with pytest.raises(ValueError, match=wrong):
        SubwordTokenizer.from_text(*texts, **options)


@BOTH
def test_a_missing_package_is_no_damaged_file(tokenizer, monkeypatch):
    data = tokenizer.to_dict()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match="pip install"):
        Tokenizer.from_dict(data)


@BOTH
def test_a_long_word_takes_no_long_time(tokenizer):
    text = "a" * 300_007 + "\n" * 100_003 + "xyzzy" * 50_021
    assert tokenizer.decode(tokenizer.encode(text)) == text
    for kind in MADE:
        SubwordTokenizer.from_text(text, kind=kind, n_tokens=277)
