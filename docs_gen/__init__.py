r"""
# Generator of the Site

Pure functions from text to text, with the standard library alone so far: what a run has left is
checked and told in HTML by [results](results.html), and drawn by [curves](curves.html). Nothing
here imports torch, labml or the library that it shows.
"""
