r"""
# Feed-Forward Configs

The options of the [feed-forward network](../transformers/feed_forward.html) in a layer of a
[transformer](transformer.html). What they give is no network but a function that makes one, since
every layer has weights of its own:

```sh
python -m experiments.mlm transformer.ffn.activation=SiLU transformer.ffn.is_gated=true
```
"""

from collections.abc import Callable

from labml.configs import option
from torch import nn

from labnn.configs.base import StrictConfigs
from labnn.configs.types import PositiveInt, Probability
from labnn.transformers.feed_forward import FeedForward


class FeedForwardConfigs(StrictConfigs):
    """
    ## FeedForwardConfigs

    The feed-forward network of a layer; each layer makes one from the same options.
    """

    # Makes the feed-forward network of one layer
    make_ffn: Callable[[], nn.Module] = "feed_forward"
    # Number of features of a token vector
    d_model: PositiveInt = 512
    # Number of features between the two projections
    d_ff: PositiveInt = 2048
    # Share of the features between the projections that is dropped in training
    dropout_prob: Probability = 0.1
    # The function between the projections
    activation: nn.Module = "ReLU"
    # Whether a second projection gates the first
    is_gated: bool = False

    def __init__(self):
        """The function that makes a network stands for the whole config"""
        super().__init__(_primary="make_ffn")


@option(FeedForwardConfigs.make_ffn)
def feed_forward(c: FeedForwardConfigs) -> Callable[[], nn.Module]:
    """[Position-wise feed-forward network](../transformers/feed_forward.html)"""
    return lambda: FeedForward(
        c.d_model,
        d_ff=c.d_ff,
        dropout_prob=c.dropout_prob,
        activation=c.activation,
        is_gated=c.is_gated,
    )


def _activation(kind: type[nn.Module]) -> Callable[[], nn.Module]:
    """An option that makes an activation. It has no weights, so all layers may share one."""
    return lambda: kind()


# The options have the names of torch's classes.
for _kind in (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Identity):
    option(FeedForwardConfigs.activation, _kind.__name__)(_activation(_kind))


@option(FeedForwardConfigs.activation)
def GELUTanh() -> nn.Module:
    """GELU by its formula with tanh, which GPT-2 has"""
    return nn.GELU(approximate="tanh")
