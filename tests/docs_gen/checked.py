r"""
# Checked HTML

A page or a part of one, read by a real parser that forgives nothing: what is opened is closed in
order, each id is there once, and nothing is loaded from anywhere.
"""

import re
from html.parser import HTMLParser

VOID = {"meta", "wbr", "br", "link", "img"}
# What could make a browser ask for something, or run something
FORBIDDEN = {"script", "iframe", "object", "embed", "link", "img", "base", "form", "audio", "video"}
FORBIDDEN |= {"image", "use", "foreignobject", "animate", "set"}


class Checked(HTMLParser):
    """What is in some HTML: `elements` as (name, attributes), `texts` as (names around it, text)"""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self.open, self.ids = [], [], [], set()
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f"an attribute twice in {tag}"
        assert tag not in FORBIDDEN, tag
        for name, value in attrs:
            assert name not in ("src", "href", "srcset", "style", "xlink:href"), name
            assert not name.startswith("on"), name
            if name != "xmlns":
                assert "://" not in (value or "") and "url(" not in (value or ""), value
        if (ident := attributes.get("id")) is not None:
            assert ident not in self.ids, f"{ident} twice"
            self.ids.add(ident)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"{tag} closes {self.open}"
        self.open.pop()

    def handle_data(self, data):
        if "style" in self.open:
            assert not re.search(r"@import|url\(|//|<", data)
        self.texts.append((("", *self.open), data))

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def named(self, tag, **attributes):
        """The attributes of each element with a name, and with some of its attributes"""
        attributes = {name.rstrip("_"): value for name, value in attributes.items()}
        return [a for t, a in self.elements if t == tag and attributes.items() <= a.items()]

    def text(self, within=None):
        """All that is written, or what is within an element"""
        return "".join(t for names, t in self.texts if within is None or within in names)


def checked(html):
    """The parts of some HTML, or the reason why it is wrong"""
    return Checked(html)
