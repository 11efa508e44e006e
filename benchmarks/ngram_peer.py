"""NumPy's side of `ngram.py`: mean heterozygosity at the end, one for each seed.

Bigrams, whose next context is the token.
"""

import numpy as np


def truth(num_tokens):
    """Shares of tokens after each context [C, V], and of contexts: of a chain.

    Zipf's, from a place that differs by context.
    """
    rank = (
        np.arange(num_tokens)[None] + 7 * np.arange(num_tokens)[:, None]
    ) % num_tokens
    shares = 1 / (rank + 1.0) ** 2
    shares /= shares.sum(1, keepdims=True)
    contexts = np.full(num_tokens, 1 / num_tokens)
    for _ in range(200):
        contexts = contexts @ shares
    return shares, contexts / contexts.sum()


def draws(num_tokens, batch_size):
    """Draws of each context in a fixed design [C]."""
    found = np.floor(truth(num_tokens)[1] * batch_size).astype(int)
    found[0] += batch_size - found.sum()
    return found


def fixed(seed, num_tokens, batch_size, length, seeds, generations):
    """A loop over seeds and generations; the contexts of one at once."""
    del length
    rng, ends = np.random.default_rng(seed), []
    each = draws(num_tokens, batch_size)
    for _ in range(seeds):
        shares, contexts = truth(num_tokens)
        for _ in range(generations + 1):
            counts = rng.multinomial(each, shares)
            shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        ends.append(contexts @ (1 - (shares**2).sum(1)))
    return ends


def free(seed, num_tokens, batch_size, length, seeds, generations):
    """A loop over seeds, generations and tokens, as a script generates text."""
    sizes = (num_tokens, batch_size, length, seeds, generations)
    return _chains(seed, token_by_token, *sizes)


def free_side_by_side(seed, num_tokens, batch_size, length, seeds, generations):
    """The same with all sequences of a batch at once."""
    sizes = (num_tokens, batch_size, length, seeds, generations)
    return _chains(seed, side_by_side, *sizes)


def _chains(seed, batch, num_tokens, batch_size, length, seeds, generations):
    """A loop over seeds and generations; `batch` counts a batch of generated text."""
    rng, ends = np.random.default_rng(seed), []
    real, weights = truth(num_tokens)
    for _ in range(seeds):
        shares, contexts = real, weights
        for _ in range(generations + 1):
            cumulative = shares.cumsum(1)
            cumulative[:, -1] = 2  # whatever rounding leaves
            alive = shares.sum(1) > 0
            first = rng.choice(num_tokens, size=batch_size // length, p=contexts)
            counts = batch(rng, cumulative, alive, first, length)
            totals = counts.sum(1)
            shares = counts / np.maximum(totals, 1)[:, None]
            contexts = totals / totals.sum()
        lost = totals == 0
        ends.append(weights @ (1 - (shares**2).sum(1) - lost))
    return ends


def token_by_token(rng, cumulative, alive, first, length):
    """How often each token follows each context, in sequences one after the other."""
    counts = np.zeros_like(cumulative)
    for start in first:
        context = start
        for word in rng.random(length):
            token = np.searchsorted(cumulative[context], word, side="right")
            counts[context, token] += 1
            context = token if alive[token] else start
    return counts


def side_by_side(rng, cumulative, alive, first, length):
    """The same, a token of all sequences at once."""
    num_tokens, context, found = len(alive), first, []
    for word in rng.random((length, len(first))):
        token = (cumulative[context] <= word[:, None]).sum(1)
        found.append(context * num_tokens + token)
        context = np.where(alive[token], token, first)
    counts = np.bincount(np.concatenate(found), minlength=num_tokens**2)
    return counts.reshape(num_tokens, num_tokens)
