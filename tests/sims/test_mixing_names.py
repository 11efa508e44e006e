"""`mix` and `anchored` are two workflows: they begin with different numbers of rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

import collapse
from collapse.core import workflows
from collapse.core.store import occupied
from collapse.data.errors import InputError
from collapse.experiment.workflows import ANCHORED, WorkflowKind, colour_of, register
from collapse.sims.gmm import FAMILY as GMM
from collapse.sims.mixing import FAMILY as MIXING

N, SHARE = 40, 0.25


def real_rows_of_generation_0(workflow):
    origin = jnp.full((workflow.num_slots, N), -1, jnp.int32).at[0].set(0)
    weights = workflow.weigh(jax.random.key(0), origin, jnp.int32(0)).weights
    return int((np.asarray(weights) > 0).sum()), int(occupied(origin).sum())


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
def test_they_begin_with_different_rows(anchor):
    mix = workflows.mix(SHARE, anchor)
    assert real_rows_of_generation_0(mix) == (N, N)
    real = int(SHARE * N)
    anchored = workflows.anchored(N, real, N - real, anchor=anchor)
    assert real_rows_of_generation_0(anchored) == (real, N)


def test_results_and_help_tell_them_apart(capsys):
    (spec,) = MIXING().workflow_specs()
    assert spec.label == "anchored fresh" and colour_of(spec.label) == colour_of("mix")
    assert colour_of("mix fresh") == colour_of("mix")  # as older results call it
    labels = GMM(workflows=("mix",)).labels()
    assert labels == ("mix 0.1 fresh",)
    with pytest.raises(SystemExit):
        collapse.main(MIXING, ["--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "Generation 0 is trained on them alone: results call this workflow" in said
    with pytest.raises(SystemExit):
        collapse.main(GMM, ["--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "generation 0 is trained on n real rows as under every workflow" in said
    with pytest.raises(InputError, match="'anchored' is taken"):
        register(WorkflowKind("anchored", "a:b"))
    with pytest.raises(InputError, match="unknown 'anchored fresh'"):
        collapse.run("gaussian", workflows="anchored fresh")
    assert ANCHORED.name == "anchored"


def test_their_generations_0_have_the_errors_of_these_rows():
    """Squared error of the mean, in units of the variance: one over the real rows."""
    fields = {"num_seeds": 4000, "num_generations": 1, "metrics": "mean_error"}
    fields |= {"seed": SEED, "samples_per_generation": N, "real_fraction": SHARE}
    mix = collapse.run("gaussian", workflows="mix", **fields).dataset
    mixing = collapse.run("mixing", error="mean_error", late=1, **fields).dataset
    assert {*mix.workflow.values, *mixing.workflow.values} == {
        "mix 0.25 fresh",
        "anchored fresh",
    }
    first = mix.mean_error.isel(generation=0).values.reshape(-1, 1)
    assert_tells_apart(first, 1 / N, 1 / (SHARE * N))
    first = mixing.mean_error.isel(generation=0).values.reshape(-1, 1)
    assert_tells_apart(first, 1 / (SHARE * N), 1 / N)
