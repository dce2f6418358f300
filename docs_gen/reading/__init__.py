r"""
# Reading

From a folder to modules that are cut and understood, by Python's own parser and never by running
anything. [Files](files.html) are those of a path, [source](source.html) names them, and
[parse](parse.html) puts together what is known of one: [docstrings](docstrings.html) and
[comments](comments.html) are its notes, and [sections](sections.html) are notes with their code. A
docstring that is no Markdown is in a [foreign](foreign.html) dialect, whose [spans](spans.html) and
[literals](literals.html) are known. [Signs](signs.html) that no page may have become visible.

[Names](names.html) are what a file defines. What a name means where it is used is asked of
[scopes](scopes.html), with a [meaning](meanings.html) for each name at hand: a
[walk](walk.html) goes through the code with a [step](steps.html) for each kind of statement, for
[functions and classes](functions.html), what they [bind](bindings.html), [imports](imports.html)
and [annotations](annotations.html).
"""
