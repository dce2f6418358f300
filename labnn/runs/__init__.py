r"""
# Runs

What surrounds training.
"""
