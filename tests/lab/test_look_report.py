"""`collapse report`: finished runs on one page of HTML."""

import re
import shutil

import pytest

from collapse.data.errors import InputError
from collapse.lab import run as runner
from collapse.lab.html import MARK
from collapse.lab.look import report
from collapse.sims.gaussian import Gaussian

ARGUMENTS = (
    "--workflows replace accumulate --num-generations 4 --num-seeds 12 --quiet "
    "--samples-per-generation 20 --rows statistics --metrics variance_ratio"
).split()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "run<1>"
    assert runner.main(Gaussian, [*ARGUMENTS, "--out", str(out)]) == 0
    return out


def test_a_page_holds_figure_table_profile_and_declaration(finished, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert report.main([str(finished), "--out", str(page)], "collapse report") == 0
    assert str(page) in capsys.readouterr().out
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 1 and 'src="http' not in text
    assert "run&lt;1&gt;" in text and "run<1>" not in text
    for told in ("accumulate", "variance", "collapse", "jax 0", "num_seeds = 12"):
        assert told in text, told


def test_several_runs_have_a_list_and_pictures_of_their_own(
    finished, tmp_path, monkeypatch, capsys
):
    others = [tmp_path / "two", tmp_path / "three"]
    for other in others:
        shutil.copytree(finished, other)
    (others[0] / "figure.png").unlink()
    monkeypatch.chdir(others[1])
    page = tmp_path / "page.html"
    assert report.main([str(others[0]), ".", "--out", str(page)], "report") == 0
    assert "figure.png is missing; drawn again" in capsys.readouterr().err
    text = page.read_text()
    assert "<title>2 runs of gaussian</title>" in text and MARK in text
    assert '<a href="#section-2">three</a>' in text
    assert '<h2 id="section-2">three</h2>' in text
    assert text.count("data:image/png;base64,") == 2
    assert len(set(re.findall('alt="([^"]*)"', text))) == 2
    assert text.count("differs from the default") == 2  # once a run
    assert re.search(r"\d{4}-\d\d-\d\d, collapse", text)
    assert report.main([".", "--out", str(page)], "report") == 0  # its own page
    with pytest.raises(InputError, match="lies in the run"):
        report.main([".", "--out", "results.nc"], "report")


@pytest.mark.parametrize(
    "folder, out, said",
    [("", "page.html", "holds no run"), ("none", "page.html", "no such folder")],
)
def test_bad_input_is_one_line(tmp_path, folder, out, said):
    with pytest.raises(InputError, match=said):
        report.main([str(tmp_path / folder), "--out", str(tmp_path / out)], "report")
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_named(finished, tmp_path):
    for out in (tmp_path, tmp_path / "none" / "page.html"):
        with pytest.raises(InputError, match="out: "):
            report.main([str(finished), "--out", str(out)], "report")
