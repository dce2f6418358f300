import pytest
import torch

from tests import shape_notes

shape_notes.install()


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
