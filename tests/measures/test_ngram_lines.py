"""Bits of smoothed n-grams, against the formulas token by token."""

from collections import Counter

import numpy as np
import pytest
from conftest import SEED

from collapse.measures.ngram_lines import ngram_bits

SIZE = 3


def some_rows(num, seed=SEED):
    """Rows of a text in which some n-grams are rare and some never occur."""
    return np.random.default_rng(seed).binomial(SIZE - 1, 0.3, (num, 7))


def bits_by_formula(train, test, order, smoothing):
    """The mean of -log2 p, with p found by recursion over tuples of tokens."""
    rows = [("BOS", *map(int, row)) for row in train]
    grams = {
        k: Counter(
            row[i - k + 1 : i + 1] for row in rows for i in range(1, 8) if i >= k - 1
        )
        for k in range(1, order + 1)
    }
    if smoothing == "kneser_ney":
        raw = dict(grams)
        for k in range(1, order):
            inner = Counter(gram[1:] for gram in raw[k + 1])
            kept = {g: c for g, c in raw[k].items() if g[0] == "BOS"}
            grams[k] = inner | Counter(kept)

    def share(context, token):
        k = len(context) + 1
        lower = share(context[1:], token) if context else 1 / SIZE
        after = [c for gram, c in grams[k].items() if gram[:-1] == context]
        count, total = grams[k][(*context, token)], sum(after)
        if not total:
            return lower
        if smoothing == "witten_bell":
            return (count + len(after) * lower) / (total + len(after))
        values = list(grams[k].values())
        once, twice = values.count(1), values.count(2)
        discount = once / (once + 2 * twice) if once else 0.5
        return (max(count - discount, 0) + discount * len(after) * lower) / total

    rows = [("BOS", *map(int, row)) for row in test]
    every = [
        share(row[max(i - order + 1, 0) : i], row[i])
        for row in rows
        for i in (*range(1, 8),)
    ]
    return -np.log2(every).mean()


@pytest.mark.parametrize("smoothing", ["witten_bell", "kneser_ney"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_bits_are_those_of_the_formulas(order, smoothing):
    train, test = some_rows(6), some_rows(4, SEED + 1)
    expected = bits_by_formula(train, test, order, smoothing)
    found = ngram_bits(train, test, SIZE, order, smoothing)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("smoothing", ["witten_bell", "kneser_ney"])
def test_shares_of_all_tokens_make_one(smoothing):
    train, start = some_rows(6), some_rows(1, SEED + 2)
    total = 0.0
    for last in range(SIZE):
        row = np.append(start[:, :-1], [[last]], axis=1)
        longer, shorter = (
            ngram_bits(train, held, SIZE, 3, smoothing) * held.size
            for held in (row, row[:, :-1])
        )
        total += 2 ** (shorter - longer)
    np.testing.assert_allclose(total, 1, rtol=1e-12)


def test_impossible_orders_are_refused():
    rows = some_rows(2)
    with pytest.raises(ValueError, match="at least 1"):
        ngram_bits(rows, rows, SIZE, 0)
    with pytest.raises(ValueError, match="too many n-grams"):
        ngram_bits(rows, rows, 10**4, 5)
