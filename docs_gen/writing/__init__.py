r"""
# Writing

From notes and code to HTML. [Notes](notes.html) are cut into blocks of Markdown, whose
[markup](markup.html) is changed where a page needs something else; the [lead](leads.html) says what
a page is called. [Maths](maths.html) becomes MathML, in [colours](colours.html) that mean something
and with the [signs](glyphs.html) that the font has, and [images](images.html) travel with the site.
[Code](code.html) is coloured and linked.
"""
