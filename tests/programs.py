import os
import shutil

import pytest


def needs_program(*names: str) -> str:
    """
    The path of a program of the system, the first of `names` that is there. Without any the test
    that calls this is skipped, and fails where `CI=true`: there nothing may go untested.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    reason = f"{' or '.join(names)} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
