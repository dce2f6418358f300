r"""
# docs_gen

Annotated Python becomes a website: notes beside the code that they explain, equations, links from
each name to its definition, search, several languages. It knows nothing of what it shows, and runs
none of it.

    python -m docs_gen build your_package -o site

[How to annotate](guide.html) and [how to publish](publishing.html) are for authors, and the
[command line](__main__.html) lists what can be done.

The stages hand on [parts](parts.html), in one direction. [Reading](reading/index.html) cuts files
into notes and code and finds out what names mean, [linking](linking/index.html) knows where
everything leads, and [writing](writing/index.html) makes HTML of notes and code.
[Records](records/index.html) of runs are drawn, and a [translation](translation/index.html) is
looked up block by block. [Pages](pages/index.html) puts all of it together, and
[serving](serving/index.html) shows it to who is writing.

Each page of a stage has one idea, as in the library that this was made for, and is an example of
what it renders.
"""
