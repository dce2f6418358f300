"""Small models that the tests of generation write with."""

import torch

from labnn.generation import positions, without_cache


def bigram(logits):
    """A model that looks at the last token alone: row `v` of the table follows token `v`."""
    return without_cache(lambda ids, lengths: logits[ids[-1]])


class Recurrent:
    """A model that depends on the whole text, and keeps one vector of it for each sequence"""

    def __init__(self, n_tokens=7, d_model=5, scale=2.0):
        make = torch.Generator().manual_seed(1)
        options = dict(generator=make, dtype=torch.float64)
        self.embedding = scale * torch.randn(n_tokens, d_model, **options)
        self.weight = torch.randn(d_model, d_model, **options)
        self.output = scale * torch.randn(d_model, n_tokens, **options)
        # How many rows and sequences it was asked for in each call
        self.calls = []

    def step(self, ids, state, lengths):
        self.calls.append(tuple(ids.shape))
        h = torch.zeros(ids.shape[1], len(self.weight), dtype=torch.float64)
        h = h if state is None else state[0]
        for x, place in zip(ids, positions(len(ids), lengths), strict=True):
            # Padding leaves no trace.
            h = torch.where(
                (place < 0).unsqueeze(-1), h, (h @ self.weight + self.embedding[x]).tanh()
            )
        return h @ self.output, h.unsqueeze(0)

    def uncached(self):
        return without_cache(lambda ids, lengths: self.step(ids, None, lengths)[0])


class GPT2:
    """A small GPT-2 of transformers with random weights, seen through our interface"""

    def __init__(self, transformers, n_tokens=23):
        self.cache = transformers.DynamicCache
        config = transformers.GPT2Config(
            n_layer=2,
            n_embd=8,
            n_head=2,
            vocab_size=n_tokens,
            n_positions=64,
            initializer_range=0.7,
            bos_token_id=None,
            eos_token_id=None,
        )
        torch.manual_seed(3)
        self.model = transformers.GPT2LMHeadModel(config).eval()

    def next_logits(self, ids, lengths):
        place = positions(len(ids), lengths).T
        inputs = dict(attention_mask=(place >= 0).long(), position_ids=place.clamp(min=0))
        return self.model(ids.T, **inputs).logits[:, -1]

    def uncached(self):
        return without_cache(self.next_logits)

    def cached(self, ids, state, lengths):
        cache = self.cache() if state is None else state.cache
        so_far = cache.get_seq_length() + len(ids)
        place = positions(so_far, lengths).T
        logits = self.model(
            ids.T,
            attention_mask=(place >= 0).long(),
            position_ids=place[:, -len(ids) :].clamp(min=0),
            past_key_values=cache,
        ).logits[:, -1]
        return logits, Kept(cache)

    def generate(self, ids, lengths, **options):
        """What transformers writes, sequence first and without the prompts"""
        mask = (positions(len(ids), lengths) >= 0).T.long()
        options = dict(do_sample=False, pad_token_id=0) | options
        written = self.model.generate(ids.T, attention_mask=mask, **options)
        return written[:, len(ids) :].T


class Kept:
    """Keys and values as a state"""

    def __init__(self, cache):
        self.cache = cache

    def select(self, indices):
        self.cache.batch_select_indices(indices)
        return self
