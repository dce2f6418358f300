r"""
# How to Publish

[Annotated](guide.html) code becomes a folder of files that any web server can send, and that a
browser opens from a disk as well.

Look first at what is missing, then write the site:

    python -m docs_gen check your_package
    python -m docs_gen build your_package -o site

Open `site/index.html`. Several packages and folders of scripts are one site, in the order in which
you name them, and `--exclude tests` leaves out what you would not show.

## What is checked

`check` tells each fault with its file and line: a link to a page or a name that is not there, an
equation that cannot be shown, an image without words, raw HTML, a docstring that needs an `r`. A
build with faults writes nothing. `check` tells as well what stops no build: what has no note, and
words in an equation that are set as products of letters. With `--faults` it leaves that out.

Code that was not written for this can be shown as it is. Docstrings in the
[dialects](reading/foreign.html) of Sphinx, Google and NumPy are understood. Where there is a fault
it is told, and the page has the source of what cannot be shown:

    python -m docs_gen build your_package -o site --keep-going

## Where it may stand

Put the folder anywhere: pages ask no other host for anything, and need no program on the server. An
empty file `.nojekyll` is for GitHub Pages, which would leave out what begins with an underscore.
What a build has not written, it leaves alone. With the address where the site will stand, each page
says where it is, and `sitemap.txt` lists them for search engines:

    python -m docs_gen build your_package -o site --base-url https://example.org/docs

`anchors.json` in the site lists every place that can be linked to. Keep that of a release, and
`check --released anchors.json` tells which links of others a change would break; `--aliases` leads
them on to the [new place](linking/aliases.html).

## Other languages

A language is a folder. The notes of a page become a list of messages, a paragraph each, in
`locale/zh/your_package.softmax.po`, for any editor of PO files:

    mkdir -p locale/zh
    python -m docs_gen i18n update your_package --locale locale --page your_package.softmax
    python -m docs_gen i18n status your_package --locale locale
    python -m docs_gen i18n lint your_package --locale locale
    python -m docs_gen build your_package -o site --locale locale

A note that has no translation, or whose English has changed since, shows in English and is marked,
so a page may be translated a paragraph at a time. Run `update` after changing notes: it marks what
somebody has to look at again.

Beside the catalogs, in `locale/zh`, there may be

* `common.po` with short notes that many pages have,
* `glossary.csv` with the [terms](translation/glossary.html) that translations have to keep to, and
  words that they must not use; the site shows it as a page,
* `complete.txt` with the modules that are translated as a whole: `status --min 100` fails when one
  of them no longer is.
"""
