"""Marked documents in task worlds: what a run measures, and what it refuses."""

import jax
import numpy as np
import pytest
from calibrated import Z

from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.lab import run as runner
from collapse.models.language.architecture import SIZES, Size
from collapse.sims.worlds import Worlds
from collapse.sims.worlds.experiment import OF_MARKS

pytestmark = pytest.mark.xdist_group("worlds")
LINE = "--num-generations 1 --num-seeds 2 --samples-per-generation 16 --steps 3 "
LINE += "--documents 200 --measured-rows 64 --batch-size 4 --workflows replace --quiet"


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.setitem(SIZES, "nano", Size(1, 8, 1))  # quick to compile


def test_a_mark_is_found_and_strength_0_is_none(tmp_path):
    line = [*LINE.split(), "--watermark", "0", "6", "--learn", "documents"]
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        assert runner.main(Worlds, [*line, "--out", str(tmp_path / "run")]) == 0
    data = results.read_dataset(tmp_path / "run" / "results.nc")
    still, marked = data.sel(watermark=0.0), data.sel(watermark=6.0)
    assert (marked["watermark_z"] > Z).all()
    for name in OF_MARKS:  # nothing depends on the mark that has no strength
        assert float(abs(still[name]).max()) < Z
    # at generation 0 no document had a mark, and the same model generates the same
    first = [one["radioactive_z"].sel(generation=0) for one in (still, marked)]
    np.testing.assert_array_equal(*first)
    assert (marked["correctness"] != still["correctness"]).any()  # answers carry it
    texts = [path.read_text() for path in (tmp_path / "run" / "texts").iterdir()]
    assert len(set(texts)) == len(texts) == 2 * 2 * 2


def test_marks_are_measured_where_there_are_any():
    assert not set(OF_MARKS) & set(Worlds().possible())
    marked = Worlds(watermark=(0.0, 2.0))
    assert set(marked.possible()) - set(Worlds().possible()) == set(OF_MARKS)
    with pytest.raises(InputError, match="metrics: radioactive_z needs --watermark"):
        runner.prepare(Worlds(metrics=("radioactive_z",)))


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_share_of_no_character_or_of_all_is_refused(share):
    with pytest.raises(InputError, match=f"green_share: {share} makes") as found:
        runner.prepare(Worlds(watermark=(2.0,), green_share=share))
    assert "\n" not in str(found.value)


def test_a_run_without_a_mark_is_the_experiment_that_it_was():
    assert Worlds(watermark=(0.0,), green_share=0.5).digest() == Worlds().digest()
    assert Worlds(watermark=(2.0,)).digest() != Worlds().digest()
    assert (
        "watermark of strength 2"
        in runner.prepare(Worlds(watermark=(2.0,)))[0].caption()
    )
