"""The closing table of text operators: paired gains, where operators first act."""

import numpy as np
import pytest
import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment.remarks import remarks
from collapse.lab import run as runner
from collapse.measures import intervals
from collapse.sims.worlds import Worlds
from collapse.sims.worlds.tell import closing, table

OPERATORS = ["none", "rules", "rules random"]
SEEDS, LAST = 5, 2


@pytest.fixture
def dataset():
    draw = np.random.default_rng(0)
    common = draw.normal(0.5, 0.2, (1, SEEDS, LAST + 1))
    shift = np.array([0.0, 0.1, 0.02])[:, None, None]
    values = common + shift + draw.normal(0, 0.01, (3, SEEDS, LAST + 1))
    dims = ("operator", "seed", "generation")
    kept = xr.DataArray(np.broadcast_to(shift, values.shape), dims=dims)
    kept = kept.where(np.arange(LAST + 1) > 0)
    coords = {"operator": OPERATORS, "generation": range(LAST + 1)}
    return xr.Dataset({"correctness": (dims, values), "phi": kept}, coords)


def test_gains_are_of_paired_seeds_and_hold_together(dataset):
    e = Worlds(operator=tuple(OPERATORS))
    lines = {(x["operator"], x["generation"]): x for x in table(e, dataset)}
    assert set(lines) == {(name, t) for name in OPERATORS for t in (1, 2)}
    correct = dataset["correctness"]
    for t in (1, 2):
        own = lines["rules", t]
        gap = correct.sel(operator="rules") - correct.sel(operator="rules random")
        gap = gap.sel(generation=t).values
        # three gains in each of two generations
        low, high = intervals.of_mean(gap, 1 - 0.05 / 6)
        found = own["gain on random"]
        assert found == pytest.approx((gap.mean(), float(low), float(high)))
        alone = correct.sel(operator="rules", generation=t).values
        ends = intervals.of_mean(alone, 1 - 0.05 / 6)
        assert high - low < (ends[1] - ends[0]) / 3  # seeds are paired
        assert "gain on random" not in lines["rules random", t]
        assert "gain on none" not in lines["none", t]


def test_operators_first_act_on_the_corpus_where_they_judge_it(dataset):
    e = Worlds(operator=tuple(OPERATORS), judged="all")
    assert {x["generation"] for x in table(e, dataset)} == {0, 2}
    text = closing(e, dataset)
    assert text.count("rules random") == 2 and "phi" in text.splitlines()[0]
    assert "nan" not in text
    told = closing(e, dataset.assign(judge_calls=dataset["phi"] + 1))
    assert "judge calls" in told.splitlines()[0] and "1.10" in told


def test_a_control_with_fewer_documents_is_not_compared(dataset):
    e = Worlds(operator=tuple(OPERATORS))
    shares = np.ones((3, SEEDS, LAST + 1))
    shares[2, :, 2] = 0.9  # the random control, in the last generation
    dims = ("operator", "seed", "generation")
    data = dataset.assign(fit_kept_share=(dims, shares))
    lines = {(x["operator"], x["generation"]): x for x in table(e, data)}
    assert "gain on random" in lines["rules", 1]
    assert "gain on random" not in lines["rules", 2]
    assert "gain on none" in lines["rules", 2]


def test_one_seed_has_no_interval(dataset):
    e = Worlds(operator=tuple(OPERATORS))
    text = closing(e, dataset.isel(seed=[0]))
    assert "(" not in text.partition("correctness:")[0]
    several = text.partition("correctness:")[0]
    assert "+0." in several
    assert "(" in closing(e, dataset).partition("correctness:")[0]


def test_settings_without_effect_are_told():
    own = {"keep_rate": 0.3, "judge_accuracy": 0.7, "judged": "all"}
    names = {line.partition(":")[0] for line in remarks(Worlds(**own))}
    assert names == set(own)
    operators = ("none", "classifier random", "best_of oracle")
    assert remarks(Worlds(operator=operators, learn="responses", **own)) == ()
    names = {x.partition(":")[0] for x in remarks(Worlds(operator=("rules",), **own))}
    assert names == {"keep_rate", "judge_accuracy"}


def test_captions_tell_of_defects_and_operators():
    own = Worlds(faults=(0.1, 0.3), noise=0.2, operator=("none", "classifier"))
    words = own.resolved(0, 0).caption()
    assert "shares of the real documents: 0.1, 0.3 faults, 0.2 noise" in words
    assert "operators judge generated documents, keep rate 0.5" in words
    plain = Worlds().resolved(0, 0).caption()
    assert "operator" not in plain and "faults" not in plain
    large = Worlds(largest=3, exponent=0.5, worked_steps=True).resolved(0, 0).caption()
    assert large.startswith("arithmetic (largest 3, exponent 0.5, worked steps): ")


def test_help_says_what_zero_stands_for(capsys):
    with pytest.raises(SystemExit):
        runner.main(Worlds, ["--help"])
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "(default: the longest document)" in words
    assert "(default: 2, 24, 60, 3 or 2" in words


def test_what_is_asked_for_is_shown():
    leaky, marked = Worlds(contamination=(0.0, 0.2)), Worlds(watermark=(2.0,))
    known = {name: None for name in Worlds().catalogue}
    assert leaky.default_panels(known)[0] == "leaked_correctness"
    assert "fresh_correctness" in leaky.default_table()
    assert marked.default_panels(known)[0] == "watermark_z"
    assert Worlds().default_panels(known) == Worlds.panels
    words = leaky.resolved(0, 0).caption()
    assert "Unseen" not in words and "half of which may leak" in words
    assert "unseen" not in leaky.quantity("correctness").long_name
    assert "unseen" in Worlds().quantity("correctness").long_name


@pytest.mark.parametrize(
    ("metric", "needs"),
    [
        ("leaked_share", "--contamination above 0"),
        ("radioactive_z", "--watermark above 0"),
        ("judge_reward", "--operator constitution"),
        ("phi", "an --operator"),
        ("pass_at_k", "--attempts above 1"),
        ("exposure", "a world with secrets"),
    ],
)
def test_a_metric_that_is_lacking_says_what_it_needs(metric, needs):
    with pytest.raises(InputError, match=f"^metrics: {metric} needs {needs}; give"):
        Worlds(metrics=(metric,)).resolved(0, 0).check()


def test_captions_tell_of_the_architecture():
    own = {"untied": True, "embedding": "repeated", "mlp": "shared", "target_shift": 2}
    words = Worlds(**own).resolved(0, 0).caption()
    told = "untied, repeated embedding, shared MLP, trained on the token after the next"
    assert told in words
    assert "untied" not in Worlds().resolved(0, 0).caption()
