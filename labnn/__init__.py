r"""
# labnn

Building blocks for language models, written from scratch and annotated line by line.
"""

__version__ = "0.1.0"
