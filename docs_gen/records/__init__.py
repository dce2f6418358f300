r"""
# Records

What a run has left, drawn with the standard library alone. [Results](results.html) reads and checks
the record, [shown](shown.html) tells it in HTML, and [curves](curves.html) draws it within
[axes](axes.html).

A note shows a run by a [block](blocks.html), which has [exhibits](exhibits.html) and says
[where they come from](provenance.html), and draws numbers of its own by a
[curve block](curve_blocks.html). [Thumbnails](thumbnails.html) are for cards, and [runs](runs.html)
for the table of all.
"""
