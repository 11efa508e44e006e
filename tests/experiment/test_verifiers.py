"""Judges of rows: which they rank first, what they know, and enough rows for a fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import streams
from collapse.core.types import Model
from collapse.experiment.row_truth import Knowledge
from collapse.experiment.task import real_rows
from collapse.experiment.verifiers.curators import curator_of
from collapse.experiment.verifiers.learning import learning_from_enough, reference_of
from collapse.experiment.verifiers.operators import REFERENCE, read
from collapse.experiment.verifiers.ranked import ranked
from collapse.experiment.verifiers.scores import CuratorNumbers, Setting
from collapse.numerics import draws

ROWS = jnp.linspace(-3.0, 3.0, 400)
MODEL = jnp.array(2.0)  # the mean of a model; that of the truth is 0


def truth(key, num):
    """Real rows, which are numbers here."""
    return draws.normal(key, (num,), ROWS.dtype)


def setting(share=0.25, bias=0.5, noise=0.0, random=0.0):
    """Normal rows whose truth lies at 0, and at the bias to a judge."""
    known = Knowledge(
        score=lambda batch, bias: -abs(batch - bias),
        displaced=lambda batch, bias: batch + bias,
        log_truth=lambda batch: -(batch**2) / 2,
        log_model=lambda params, batch: -((batch - params) ** 2) / 2,
    )
    nan = float("nan")
    numbers = (nan, share, bias, noise, nan, random)
    own = CuratorNumbers(*(jnp.asarray(x, ROWS.dtype) for x in numbers))
    return Setting(known, own, 4, truth)


def order(text, key, **numbers):
    """The rows as an operator ranks them, the best first."""
    rank = ranked(read(text), setting(**numbers)).rank
    reference = MODEL if "oracle" in text or "confident" in text else None
    return np.asarray(ROWS[jnp.argsort(-rank(key, ROWS, reference))])


def test_the_best_rows_are_the_first(root):
    """By what is held to be true, by the true ratio of densities, by the model's."""
    for text, place in (("top_share", 0.5), ("top_share oracle", 0.5)):
        # the study sets the bias of an oracle to 0
        assert abs(order(text, root)[:20] - place).max() < 0.2
    # log ratio 2 - 2 x: rows far from the model, on the side of the truth
    np.testing.assert_array_equal(order("realistic oracle", root), ROWS)
    assert abs(order("confident", root)[:20] - 2.0).max() < 0.2


def test_a_random_control_ranks_in_random_order(root):
    own, other = (order("top_share random", key) for key in jax.random.split(root, 2))
    scores = -abs(own - 0.5)
    error = 1 / np.sqrt(len(ROWS))
    assert abs(np.corrcoef(scores, np.arange(len(ROWS)))[0, 1]) < 5.6 * error
    assert (own != other).any()
    np.testing.assert_array_equal(np.sort(own), ROWS)


def test_a_judge_that_errs_ranks_some_rows_for_others(root):
    """Twice the noise of them; at one half none has to do with its score."""
    ranks = {x: ranked(read("top_share"), setting(noise=x)).rank for x in (0, 0.2, 0.5)}
    scores = {x: np.asarray(rank(root, ROWS, None)) for x, rank in ranks.items()}
    moved = np.mean(scores[0.2] != scores[0])
    assert abs(moved - 0.4) < 5.6 * np.sqrt(0.4 * 0.6 / len(ROWS))
    close = np.corrcoef(scores[0.5], scores[0])[0, 1]
    assert abs(close) < 5.6 / np.sqrt(len(ROWS))


def test_an_oracle_keeps_the_rows_of_the_largest_true_ratio(root):
    """In a study of its own too; candidates are four for each row."""
    curator = curator_of(read("realistic oracle"), setting(bias=0.0))
    kept = np.asarray(curator.weigh(root, ROWS, MODEL)) > 0
    np.testing.assert_array_equal(kept, np.arange(len(ROWS)) < len(ROWS) / 4)


def test_a_judge_s_real_rows_are_displaced_and_none_of_the_monitor_s(root):
    for draw in (0, 1):
        key = streams.key(root, draw, streams.Purpose.MONITOR)
        found = reference_of(root, setting(bias=0.5), draw)
        np.testing.assert_allclose(found, truth(key, REFERENCE) + 0.5)
    rows = real_rows(None, truth).reference(root, REFERENCE)
    judged = reference_of(root, setting(bias=0.0), 1)
    assert not np.isin(np.asarray(judged), np.asarray(rows)).any()
    same = reference_of(root, setting(bias=0.0), 0)  # which a study without one takes
    np.testing.assert_array_equal(same, rows)


@pytest.mark.parametrize("kept, learns", [(2, False), (3, True), (4, True)])
def test_a_model_learns_from_as_many_rows_as_a_fit_needs(root, kept, learns):
    def fit(key, params, batch, weights):
        return params + 1.0, {}

    model = learning_from_enough(Model(lambda *_: None, fit, lambda *_: None), 3)
    weights = jnp.where(jnp.arange(9) < kept, 0.5, 0.0)
    params, _ = model.fit(root, jnp.zeros(2), ROWS[:9], weights)
    np.testing.assert_array_equal(params, [float(learns)] * 2)
