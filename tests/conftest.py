import os
import random
import sys

# Small tensors gain nothing from threads, and on a busy machine the threads wait for each other:
# a step of 0.1 ms was seen to take 20. Programs that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch

from tests import shape_notes

shape_notes.install()


def offline(event, arguments):
    """Whatever a test does, it talks to this machine alone."""
    host = None
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    host = host.decode() if isinstance(host, bytes) else host
    if host and host not in ("localhost", "::1") and not host.startswith("127."):
        raise RuntimeError(f"tests use no network, this one asks for {host}")


sys.addaudithook(offline)


@pytest.fixture(autouse=True)
def seed():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
