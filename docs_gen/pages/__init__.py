r"""
# Pages

From parts to a site. A [project](project.html) is what all languages share, as the
[arguments](arguments.html) ask for it, and an [edition](edition.html) is one language. A
[page](page.html) is a module, whose notes have [tools](page_tools.html), put into the
[theme](theme.html); other pages [tell](telling.html) its title and summary.

The [order](order.html) of reading makes [index pages](indexes.html), with [all names](symbols.html)
from A to Z, which an edition [puts together](index_pages.html). [Search](search.html) is by the
words of a [text](texts.html).

A [site](site.html) is made whole, [checked as a browser sees it](rendered.html), with one
[look](seen.html) at each page, and [written](output.html). To [check](check.html) is to do all but
that.
"""
