"""The shipped torsions of alanine dipeptide: unchanged, plausible, and in agreement."""

import hashlib

import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart

from collapse.data.torsions import dipeptide, files
from collapse.measures import torus

REGIONS = torus.ALANINE.names


def shares(pairs):
    return np.asarray(torus.conformer_shares(pairs, torus.ALANINE))


@pytest.fixture(scope="module")
def runs():
    return {part: jnp.asarray(dipeptide.pairs(part)) for part in dipeptide.PARTS}


@pytest.mark.parametrize("part", dipeptide.PARTS)
def test_the_files_are_those_that_were_made(part):
    path = dipeptide.path(part)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == dipeptide.SHA256[part]
    stored = np.load(path)
    assert stored.shape == (18_000, 2) and stored.dtype == np.int16
    pairs = dipeptide.pairs(part)
    assert -np.pi <= pairs.min() and pairs.max() < np.pi
    assert len(np.unique(stored, axis=0)) > 17_900  # no frame is there twice


@pytest.mark.parametrize("part", dipeptide.PARTS)
def test_pairs_are_a_fair_selection_of_the_frames(part, runs):
    """Their shares are those of all weighted frames, but for drawing 18 000 of them."""
    report = dipeptide.report(part)["shares"]
    inside = np.asarray(torus.inside(runs[part], torus.ALANINE))
    whole = np.array([report[name]["share"] for name in REGIONS])
    assert_tells_apart(inside, whole, np.roll(whole, 1))


@pytest.mark.parametrize("region", REGIONS)
def test_both_runs_agree_within_the_error_of_their_blocks(region):
    """A share is a mean over nanoseconds; the control is a run without the region."""
    one, two = (
        np.array(dipeptide.report(part)["blocks"][region]) for part in dipeptide.PARTS
    )
    num = min(len(one), len(two))
    assert_tells_apart(one[:num] - two[:num], 0, one.mean())


@pytest.mark.parametrize("part", dipeptide.PARTS)
def test_phi_is_that_of_an_l_amino_acid_and_atoms_do_not_overlap(part, runs):
    found = dict(zip(REGIONS, shares(runs[part]), strict=True))
    assert found["C7eq"] + found["alpha_R"] > 0.9  # phi < 0
    assert 0.002 < found["alpha_L"] < 0.1
    phi = np.degrees(np.asarray(runs[part])[:, 0])
    assert (abs(phi) < 10).mean() < 2e-3


def test_one_run_is_learned_from_and_the_other_held_out():
    data = files.load(dipeptide.NAME)
    np.testing.assert_array_equal(data.train, dipeptide.pairs("train"))
    np.testing.assert_array_equal(data.held_out, dipeptide.pairs("held_out"))
    assert data.columns == ("phi", "psi") and "second simulation" in data.said
    assert len(data.sha256) == 64


def test_the_order_of_pairs_says_nothing():
    """Frames were shuffled, so that the first rows are as good as any."""
    pairs = dipeptide.pairs("train")
    waves = np.cos(pairs)
    half = len(pairs) // 2
    assert_tells_apart(waves[:half] - waves[half:], 0, 0.1)
    lagged = (waves[1:] - waves.mean(0)) * (waves[:-1] - waves.mean(0))
    assert_tells_apart(lagged, 0, 0.2 * waves.var(0))
