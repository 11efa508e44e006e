"""Declarations: a table that is none names the one that was meant."""

import pytest

from collapse.data.errors import InputError
from collapse.figures.declaration import read_declaration
from collapse.sims.gaussian import Gaussian
from collapse.sims.mixing.experiment import Mixing


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (Gaussian, "[figur]\nx = 1", "table [figur]; known are [figure]; did you mean"),
        (
            Gaussian,
            "[[figures]]\nx = 1",
            "unknown table [figures]; known are [figure];",
        ),
        (Gaussian, "[plot]\n", "unknown table [plot]; known are [figure]"),
        (
            Gaussian,
            "figur.x = 'ddof'",
            "unknown table [figur]; known are [figure]; did",
        ),
        (
            Mixing,
            "[modle]\nname = 'kde'",
            "unknown table [modle]; known are [figure], [model]; did you mean model?",
        ),
        (Gaussian, "[model]\nname = 'kde'", "unknown key model; known are"),
        (Gaussian, "figur = 3", "unknown key figur; known are"),
        (Mixing, "[family]\n", "unknown key family; use a table [model]"),
        (
            Gaussian,
            "[figure]\nx = 'ddof'\nnum_seeds = 3",
            "num_seeds is no key of [figure], but of the experiment; write it above",
        ),
        (Gaussian, "[figure]\nnum = 3", "figure.toml: unknown key num; known are name"),
    ],
)
def test_tables_and_keys_in_the_wrong_place_are_told(tmp_path, kind, text, said):
    path = tmp_path / "figure.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_declaration(path, kind)
    assert said in str(caught.value) and str(caught.value).startswith(f"{path}: ")


def test_tables_of_a_declaration_are_read(tmp_path):
    """A key that both have, `metrics`, belongs to the one whose table it is in."""
    path = tmp_path / "figure.toml"
    path.write_text("[model]\nname = 'gaussian'\n[[figure]]\nmetrics = 'a'\n")
    study, (figure,) = read_declaration(path, Mixing)
    assert study.model == "gaussian" and figure.metrics == ("a",)
