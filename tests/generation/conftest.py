import pytest

from tests.generation.models import GPT2


@pytest.fixture(scope="session")
def transformers():
    """The library that we compare with. Its import takes seconds, so tests with it are slow."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    return transformers


@pytest.fixture(scope="module")
def gpt2(transformers):
    return GPT2(transformers)
