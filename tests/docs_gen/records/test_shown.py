import re
from pathlib import Path

import pytest

from docs_gen.records import shown
from docs_gen.records.results import read
from tests.docs_gen.checked import checked

GOLDEN = Path(__file__).parents[2] / "golden/record"
HOSTILE = '<script>alert("1")</script> & \'</p>\x1b[31m\u202e\ud800\x00'


def test_samples_say_what_is_right_and_wrong_without_colour():
    first, last = read(GOLDEN)["samples"]
    page = checked(shown.samples(first))
    assert page.text() == "to <script>&⏎ wrong: ␣ should be b"
    assert page.text("rt") == " should be b"
    assert [a["class"] for a in page.named("mark")] == ["run-wrong"]
    assert all("run-words" in a["class"] for a in page.named("span"))
    page = checked(shown.samples(last))
    assert page.text() == "to <script>&⏎ right: b"
    assert [a["class"] for a in page.named("mark")] == ["run-right"] and not page.named("ruby")


def test_right_and_wrong_have_lines_of_their_own():
    assert re.search(r"\.run-right \{[^}]*underline 2px", shown.STYLE)
    assert re.search(r"\.run-wrong \{[^}]*underline wavy", shown.STYLE)


@pytest.mark.parametrize("kind", ["given", "right", "wrong", "predicted"])
def test_hostile_samples_stay_text(kind):
    page = checked(shown.sample([{"kind": kind, "text": HOSTILE, "truth": HOSTILE}]))
    assert {tag for tag, _ in page.elements} <= {"p", "mark", "span", "ruby", "rt"}
    assert '<script>alert("1")</script>' in page.text()
    for sign in "\x1b\u202e\ud800\x00":
        assert sign not in page.text()
    page.text().encode("utf-8")


def test_a_hidden_space_can_be_seen_and_a_given_one_stays():
    html = shown.sample([{"kind": "given", "text": "a b"}, {"kind": "right", "text": " "}])
    assert checked(html).text() == "a b right: ␣"


def test_what_is_predicted_where_nothing_was_hidden():
    spans = [{"kind": "given", "text": "to be"}, {"kind": "predicted", "text": " → ' or'"}]
    page = checked(html := shown.sample(spans))
    # There is nothing to be right about, and spaces are no predictions.
    assert page.text() == "to be → ' or'" and not page.named("mark")
    assert html.count("run-predicted") == 1 and ".run-predicted {" in shown.STYLE
    assert not shown.has_hidden([{"samples": [{"spans": spans}]}])
    assert all(shown.has_hidden([taken]) for taken in read(GOLDEN)["samples"])


def test_options_are_marked_with_who_changed_them():
    record = read(GOLDEN)
    html = shown.options("Options", record, record["options"])
    page = checked(html)
    lines = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', html)
    assert lines == [
        ("d_model", "<strong>14</strong>", "a person"),
        ("epochs", "<strong>2</strong>", "the experiment"),
        ("mask_token", "–", ""),
        ("prompt", "[&quot;&lt;b&gt; &amp; &#x27;x&#x27;&quot;]", ""),
        ("seed", "5", ""),
        ("text.<wbr>path", "<strong>…/text.txt</strong>", "a person"),
    ]
    assert len(page.named("th", scope="row")) == 6 and len(page.named("th", scope="col")) == 3


def test_facts_have_dotted_names():
    page = checked(shown.facts("Environment", read(GOLDEN)["environment"]))
    assert page.text("th").replace("\n", "") == "namevaluepackages.apythonthreadstorch"
    assert page.text("caption") == "Environment"


def test_hostile_names_and_values_stay_text():
    record = read(GOLDEN) | {"options": {HOSTILE: HOSTILE}, "overrides": [HOSTILE]}
    for html in (
        shown.options("Options", record, [HOSTILE]),
        shown.facts("Facts", {HOSTILE: {HOSTILE: HOSTILE}}),
    ):
        page = checked(html)
        known = ["div", "table", "caption", "thead", "tbody", "tr", "th", "td", "strong", "wbr"]
        assert {tag for tag, _ in page.elements} <= {*known}
        assert "<script>alert" in page.text()


def test_plain_values():
    assert [shown.plain(v) for v in ("a b", "", None, True, 1e-3, ["é"])] == [
        "a b", '""', "–", "true", "0.001", '["é"]'
    ]  # fmt: skip


def test_the_words_are_those_of_the_page_and_stay_text():
    record = read(GOLDEN)

    def say(word):
        return f"<{word.upper()}>"

    first, last = (checked(shown.samples(taken, say)).text() for taken in record["samples"])
    assert first == "to <script>&⏎ <WRONG:> ␣ <SHOULD BE> b"
    assert last == "to <script>&⏎ <RIGHT:> b"
    text = checked(shown.options("Options", record, ["epochs", "d_model"], say)).text("thead")
    assert text == "<OPTION><VALUE><CHANGED BY>"
    assert "<A PERSON>" in checked(shown.options("O", record, ["d_model"], say)).text("td")
    assert checked(shown.facts("F", {"a": 1}, say)).text("thead") == "<NAME><VALUE>"
