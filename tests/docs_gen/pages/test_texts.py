import random
import re
import string
import unicodedata

import pytest

from docs_gen.pages import texts
from docs_gen.pages.texts import plain, tokens

# A text and what it is found by; the browser has to give the same.
TOKENS = {
    "": "",
    " \n\t": "",
    "...": "",
    "_": "",
    "__ - __": "",
    "attention": "attention",
    "Attention": "attention",
    "two words": "two words",
    "multi-head": "multi head",
    "MultiHeadAttention": "multiheadattention multi head attention",
    "multiHead": "multihead multi head",
    "RMSNorm": "rmsnorm rms norm",
    "GPT": "gpt",
    "GPT2": "gpt2",
    "GPT2Model": "gpt2model gpt2 model",
    "HTMLParser": "htmlparser html parser",
    "ABc": "abc a bc",
    "aB": "ab a b",
    "aBcD": "abcd a bc d",
    "n_heads": "n_heads n heads",
    "keep_rate": "keep_rate keep rate",
    "_private": "_private private",
    "__init__": "__init__ init",
    "d_model2": "d_model2 d model2",
    "MAX_LEN": "max_len max len",
    "load_HTMLPage": "load_htmlpage load html page",
    "MultiHeadAttention.forward": "multiheadattention multi head attention forward",
    "labnn.layers.dropout": "labnn layers dropout",
    "self.n_heads": "self n_heads n heads",
    "transformers/mha.html": "transformers mha html",
    "1e-4": "1e 4",
    "0.15": "0 15",
    "2048": "2048",
    "a+b": "a b",
    "f(x)": "f x",
    "don't": "don t",
    "C++": "c",
    "<script>": "script",
    '"quoted"': "quoted",
    "a\u2028b": "a b",
    "naïve": "naïve",
    "nai\u0308ve": "naïve",
    "ÉCOLE": "école",
    "Straße": "straße",
    "ΣΟΦΟΣ": "σοφος",
    "İ": "i\u0307",
    "ﬁne": "fine",
    "x²": "x2",
    "½": "1 2",
    "①": "1",
    "𝑑model": "dmodel",
    "Ｔｏｋｅｎ": "token",
    "词": "词",
    "词元": "词元",
    "交叉熵": "交叉 叉熵",
    "掩码语言模型": "掩码 码语 语言 言模 模型",
    "梯度 裁剪": "梯度 裁剪",
    "词元数量 PAD": "词元 元数 数量 pad",
    "词元（token）": "词元 token",
    "用GPT生成": "用 gpt 生成",
    "第3层": "第 3 层",
    "嵌入，注意力。": "嵌入 注意 意力",
    "〇一": "〇 一",
    "\uf900\uf901": "豈更",
    "\U00020000\U00020001": "\U00020000\U00020001",
    "\U00020000a": "\U00020000 a",
    "ニューロン": "ニューロン",
    "언어 모델": "언어 모델",
    "🙂 smile": "smile",
    "a\u200bb": "a b",
}


# Tokens


@pytest.mark.parametrize("text", TOKENS)
def test_text_is_cut_into_tokens(text):
    assert tokens(text) == TOKENS[text].split()


@pytest.mark.slow
def test_a_letter_or_digit_is_the_same_to_python_and_to_the_browser():
    # `\w` of Python is what the browser calls letters and numbers, and the underscore.
    odd = [
        sign
        for sign in map(chr, range(0x110000))
        if bool(re.match(r"\w", sign)) != (unicodedata.category(sign)[0] in "LN" or sign == "_")
    ]
    assert odd == []


def test_tokens_do_not_change_when_they_are_cut_again():
    letters = string.ascii_letters * 2 + string.digits + "__.- 词元掩码语言é"
    for _ in range(500):
        text = "".join(random.choices(letters, k=30))
        found = tokens(text)
        assert found == tokens(text + " ") == tokens("(" + text + ")")
        # A pair of signs is whole; a word has its parts by itself, but no humps any more.
        assert all(tokens(token)[0] == token for token in found)


# Texts of notes


def test_a_note_becomes_one_line_of_text():
    html = '<p>One <code>n_heads</code>,\ntwo <a href="x">links</a> &amp; <em>more</em>.</p>'
    assert plain(html) == "One n_heads, two links & more."


def test_blocks_are_apart_and_inline_elements_are_not():
    html = "<ul><li>one</li><li>two</li></ul><table><tr><th>a</th><td>b<b>c</b></td></tr></table>x"
    assert plain(html) == "one two a bc x"


def test_equations_leave_neither_their_source_nor_pieces_of_themselves():
    inline = (
        "<math><semantics><msub><mi>d</mi><mi>k</mi></msub>"
        '<annotation encoding="application/x-tex">d_k \\frac</annotation></semantics></math>'
    )
    block = f'<div class="eq" tabindex="0" role="group" aria-label="Equation">{inline}</div>'
    assert plain(f"<p>With {inline} features</p>{block}<p>after</p>") == "With dk features after"
    assert plain('<math display="block"><mi>x</mi></math>') == ""


def test_a_sign_of_html_in_an_attribute_or_a_comment_is_no_tag():
    assert plain('<p aria-label="a > b">text</p><!-- a > b -->') == "text"
    assert plain("<p>a &lt;b&gt; c</p>") == "a <b> c"


def test_a_figure_is_found_by_its_caption():
    html = (
        "<figure><figcaption>Loss</figcaption><svg><title>Loss</title><text>17</text></svg>"
        "<details><summary>Values</summary><table><tr><td>42</td></tr></table></details></figure>"
    )
    assert plain(html) == "Loss Values"


def test_a_line_break_between_chinese_signs_is_no_space():
    assert plain("<p>掩码语\n言模型\nMLM\n是</p>") == "掩码语言模型 MLM 是"


@pytest.mark.parametrize("html", ["", "<p></p>", "<!-- -->"])
def test_a_note_of_nothing_has_no_text(html):
    assert plain(html) == ""


# Long texts


def test_no_word_of_a_long_text_is_lost():
    words = [f"{a}{b}" for a in ("multi", "d_", "词元掩", "É") for b in ("Head", "x", "2", "码语")]
    for length in (0, 1, 20, 60, 200, 600):
        for joint in (" ", "", "，"):
            text = joint.join(random.choices(words, k=length))
            shown, rest = texts.shortened(text)
            begun = shown.removesuffix("…")
            assert text.startswith(begun) and len(begun) <= texts.N_SHOWN
            assert set(tokens(text)) <= set(tokens(shown)) | set(tokens(rest))
            if len(text) <= texts.N_SHOWN:
                assert (shown, rest) == (text, "")


def test_the_rest_of_a_long_text_is_its_new_words():
    shown, rest = texts.shortened(
        "same old words " * 20 + "and a newOne, a newOne, in the same old"
    )
    assert shown.endswith(("same…", "old…", "words…"))
    assert rest == "a and in newOne the"


def test_a_word_is_not_cut_in_two():
    shown, _ = texts.shortened("0123456789 " * 50)
    assert set(shown.removesuffix("…").split()) == {"0123456789"}


def test_what_is_cut_off_is_marked_even_where_no_word_of_it_is_kept():
    assert texts.shortened("same " * 20) == ("same " * 5 + "same…", "")


def test_of_a_long_text_common_words_are_kept_where_they_show():
    text = "the first the words " * 20 + "the last one of theThe"
    shown, rest = texts.shortened(text, {"the", "of"})
    assert "the first" in shown
    # A word that has something else in it is no common word.
    # In the order of the alphabet, and in small letters where no part begins with a large one
    assert rest == "last one theThe"
    assert texts.shortened("x " * 30 + "Zebra d_Model apple")[1] == "apple d_Model zebra"
    assert texts.shortened("of the", {"the", "of"}) == ("of the", "")
