"""
The rows of a page, in the language of its notes or in one that is made up.
"""

from docs_gen.linking.links import Links
from docs_gen.pages.page import Page
from docs_gen.writing import code
from tests.docs_gen.made_sites import module

PAGE = '''
    """
    # A *title* of `code`

    First. See [`Thing`] and [below](#h-more).

    ## More

    $$x$$
    """

    import os

    class Thing:
        """
        # Thing

        ### Deep
        """

        # Why it is one
        size = 1
'''


class Language:
    """An edition whose translations are a dictionary"""

    def __init__(self, words=None):
        self.is_source = words is None
        self.words = words or {}

    def say(self, text):
        return text

    def translate(self, module, unit):
        return self.words.get(unit.text)

    def result(self, module, text):
        raise ValueError("no records")

    def image(self, module, src):
        return {"src": src}


def page_of(text, words=None):
    parsed = module(text)
    page = Page(parsed, Links({parsed.source.name: parsed}), Language(words))
    return page, page.rows("Page", code.lines(parsed.lines, {}))
