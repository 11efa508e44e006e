"""NumPy's side of `discrete.py`: heterozygosity at the end, one for each seed."""

import numpy as np


def truth(num_symbols):
    """Zipf's shares."""
    shares = 1 / np.arange(1, num_symbols + 1)
    return shares / shares.sum()


def batched(seed, num_symbols, batch_size, seeds, generations):
    """All seeds at once."""
    rng = np.random.default_rng(seed)
    shares = np.tile(truth(num_symbols), (seeds, 1))
    for _ in range(generations + 1):
        shares = rng.multinomial(batch_size, shares) / batch_size
    return 1 - (shares**2).sum(1)


def one_at_a_time(seed, num_symbols, batch_size, seeds, generations):
    """As a paper's script has it: a loop over seeds and generations."""
    rng, ends = np.random.default_rng(seed), []
    for _ in range(seeds):
        shares = truth(num_symbols)
        for _ in range(generations + 1):
            shares = rng.multinomial(batch_size, shares) / batch_size
        ends.append(1 - np.sum(shares**2))
    return ends
