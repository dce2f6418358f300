r"""
# Experiments

One file a run. Each chooses parts of the library and says what differs from the defaults.
"""
