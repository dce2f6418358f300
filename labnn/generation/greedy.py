r"""
# Greedy Decoding

The simplest text that a model can write takes the best token each time,

$$x_t = \operatorname{argmax}_v z_{t v}$$

| symbol | code | meaning |
|---|---|---|
| $z_{t v}$ | `logits` | the score of token $v$ as the next one |
| $x_t$ | the result | the token that is taken |

There is no chance in it, so a prompt always gets the same continuation. It is not the most probable
text: a token that is second best may lead to much better ones, which [beam search](beam.html) can
find. And it is duller than what people write. Section 4 of
[The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751) shows that human
text is often surprising, while the most probable text falls into loops; [sampling](sampling.html)
draws from what the model says instead.

It is one line of [decoding](decoding.html):

```python
for tokens in decode(step, ids, greedy, n_new_tokens=20):
    print(tokens)
```
"""

import torch


def greedy(logits: torch.Tensor) -> torch.Tensor:
    r"""
    ## The best token of each sequence

    Of several that are best, the first in the vocabulary is taken.

    * `logits` has shape `[batch_size, n_tokens]`
    * returns shape `[batch_size]`
    """
    return logits.argmax(dim=-1)
