"""Looking at runs that may not be read, and looks that are ended."""

import pytest
from look_cases import leave, run

from collapse.lab import checksums, commands, contents, folder
from collapse.lab.look import labels


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _refuse(monkeypatch, name):
    """Let the system refuse to read files or folders of a name."""

    def refused(real):
        def one(path, *arguments, **options):
            if path.name == name:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *arguments, **options)

        return one

    for method in ("open", "read_bytes", "read_text", "iterdir"):
        real = getattr(folder.Path, method)
        monkeypatch.setattr(folder.Path, method, refused(real))


@pytest.mark.parametrize("name", ["experiment.toml", "results.nc", "environment.json"])
def test_a_file_that_may_not_be_read_is_named_and_its_run_listed(
    name, capsys, monkeypatch
):
    leave("results/a")
    place = folder.Path("results/a")
    checksums.write(place, contents.files(place))
    _refuse(monkeypatch, name)
    assert run("runs") == 0
    assert "results/a" in capsys.readouterr().out
    if name != "environment.json":  # which results hold, too
        assert run("show", "results/a") == 2
        said = f"error: results/a/{name}: Permission denied; change its permissions\n"
        assert capsys.readouterr().err == said


def test_a_folder_that_may_not_be_read_is_named(capsys, monkeypatch):
    leave("results/a")
    _refuse(monkeypatch, "results")
    assert run("runs") == 2
    said = capsys.readouterr().err
    assert said == "error: results: Permission denied; change its permissions\n"


@pytest.mark.parametrize(
    "error, code",
    [(OSError(28, "No space left on device"), 1), (KeyboardInterrupt(), 130)],
)
def test_a_look_that_is_ended_is_told_in_a_line(error, code, capsys, monkeypatch):
    def fails(_):
        raise error

    leave("a")
    monkeypatch.setattr(labels, "found", fails)
    assert commands.main(["runs", "a"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_an_option_is_given_in_full(capsys):
    leave("a")
    assert run("show", "a", "--marg", "0.5") == 2
    said = "error: --marg: no such option; did you mean --margin?; see collapse show "
    said += "--help\n"
    assert capsys.readouterr().err == said
