r"""
# Translation

The notes in another language, block by block. [Catalogs](catalogs.html) look a block up in
[PO files](po.html), however its lines are [wrapped](wrapping.html).

[i18n](i18n.html) keeps them up to date for translators, who see their [progress](progress.html). A
[review](review.html) holds the two texts of a [pair](pairs.html) against each other, by the
[glossary](glossary.html) and by the [typography](typography.html) of the language.
"""
