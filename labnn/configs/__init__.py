r"""
# Configs

The parts of an experiment, named, with defaults, and computed when they are first read.
"""
