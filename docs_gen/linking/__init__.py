r"""
# Linking

Where everything leads. One [resolver](links.html) answers for all links, with
[addresses](addresses.html) for what a note writes, a [look-up](lookup.html) for names in brackets,
and what is [nearest](nearest.html) for those that are wrong. A name is followed to the
[place](places.html) of its definition, through imports, which begin in one of several
[roots](roots.html), and through the [base classes](inheritance.html) of a class.

What people link to should stay: [anchors](anchors.html) remembers what a release has promised, and
[aliases](aliases.html) say where things went.
"""
