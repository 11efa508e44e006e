"""The pages of the site: their code runs, prints what they show, and is complete."""

import contextlib
import datetime
import importlib
import inspect
import io
import os
import pkgutil
import re
import subprocess
import sys

import jax
import matplotlib.pyplot as plt
import pages
import pytest
from pages import PAGES, ROOT, blocks, differs

import collapse
from collapse import theory
from collapse.experiment import registry
from collapse.experiment.workflows import standard
from collapse.lab import command, completion, others
from collapse.lab import commands as lab_commands

pytestmark = pytest.mark.xdist_group("pages")
DOCS = ROOT / "docs"


def named(choose):
    """Parametrize over the pages whose texts are chosen."""
    found = [path for path in PAGES if choose(path.read_text())]
    ids = [str(p.relative_to(ROOT).with_suffix("")).replace("/", "-") for p in found]
    return pytest.mark.parametrize("path", found, ids=ids)


@contextlib.contextmanager
def workflows_as_before():
    """Forget the workflows that are registered inside."""
    known = set(standard._KINDS)
    yield
    for name in set(standard._KINDS) - known:
        del standard._KINDS[name]


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """An empty folder to be in, with the declarations; nothing of it stays."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sims").symlink_to(ROOT / "sims")
    with workflows_as_before():
        yield tmp_path
    for module in [m for m in sys.modules if m.startswith("_collapse_")]:
        del sys.modules[module]
    plt.close("all")


def run_python(code, names):
    """What a block prints."""
    said = io.StringIO()
    with (
        contextlib.redirect_stdout(said),
        jax.numpy_dtype_promotion("standard"),  # as a reader has it
        jax.numpy_rank_promotion("allow"),
    ):
        exec(compile(code, "<page>", "exec"), names)
    return said.getvalue()


def run_shell(code, folder):
    """What a block of commands prints, installation left out."""
    shims = folder / "shims"
    shims.mkdir(exist_ok=True)
    for name, words in (("python", ""), ("collapse", "-m collapse")):
        (shims / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (shims / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{shims}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    lines = [line for line in code.splitlines() if not line.startswith("pip ")]
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        **{"cwd": folder, "env": environment, "capture_output": True, "text": True},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_page(text, folder, shell):
    """Run the blocks of a page in order; each prints the text that follows it, if any.

    Args:
      text: of the page.
      folder: the current one.
      shell: run the commands, too, whose output is shown; others are only parsed.
    """
    names = {"__name__": "page"}
    pages.write_files(text, folder)
    for block, shown in pages.shown_after(text):
        said = ""
        if block.language == "python" and block.runs:
            said = run_python(block.code, names)
        elif block.language == "bash" and block.runs and shell and shown:
            said = run_shell(block.code, folder)
        assert not (shown and differs(said, shown))


def shows_commands(text):
    """Whether a page shows what a command prints."""
    pairs = pages.shown_after(text)
    return any(shown and block.language == "bash" for block, shown in pairs)


def has(text, language):
    """Whether a block of a page is to be run."""
    return any(block.language == language and block.runs for block in blocks(text))


@named(lambda text: has(text, "python") and not shows_commands(text))
def test_its_code_runs_and_prints_what_it_shows(path, scratch):
    check_page(path.read_text(), scratch, shell=False)


@named(shows_commands)
def test_its_commands_print_what_it_shows(path, scratch):
    check_page(path.read_text(), scratch, shell=True)


def test_a_page_that_is_wrong_would_be_seen(scratch):
    page = "```python\nprint(0.12, 'or so')\n```\n\n```text\nSHOWN\n```\n"
    check_page(page.replace("SHOWN", "0.13 ... so"), scratch, shell=False)
    for shown in ("0.14 or so", "0.12 and so", "12 or so", "0.12 or", "0.12 s or so"):
        with pytest.raises(AssertionError, match="shown"):
            check_page(page.replace("SHOWN", shown), scratch, shell=False)
    assert differs("7 rows", "8 rows") and not differs("1.1e-05", "1.2e-05")
    with pytest.raises(ZeroDivisionError):
        check_page("```python\n1 / 0\n```\n", scratch, shell=False)
    check_page("<!-- not run: no -->\n```python\n1 / 0\n```\n", scratch, shell=False)


@named(lambda text: has(text, "bash"))
def test_its_commands_are_understood(path, scratch, capsys):
    text = path.read_text()
    pages.write_files(text, scratch)
    for words in pages.commands(text):
        with workflows_as_before():
            understand(words, capsys)


def understand(words, capsys):
    """Parse a command line of the lab; InputError if it cannot be."""
    program, name, *rest = words
    if program == "python" and name.endswith(".py"):
        if not os.path.exists(name):  # of the repository
            assert (ROOT / name).is_file(), name
            return
        if "collapse.register(" in open(name).read():  # a workflow, for any family
            exec(compile(open(name).read(), name, "exec"), {"__name__": "page"})
            name, *rest = rest
    elif program != "collapse":
        return  # of another package
    if not name.endswith(".py") and name not in registry.experiments():
        listed = lab_commands.main([]) == 0 and capsys.readouterr().out
        module = importlib.util.find_spec(f"collapse.{name}")
        assert module or f"  {name} " in listed, name
        return
    with contextlib.suppress(SystemExit):  # --help
        command.parse(registry.experiment(name), rest)


def test_a_command_that_is_none_would_be_seen(scratch, capsys):
    for line in ("collapse gnm", "collapse gmm --sed 1", "collapse gmm --tol x"):
        (words,) = pages.commands(f"```bash\nA=1 {line}  # so\n```\n")
        with pytest.raises((AssertionError, collapse.InputError)):
            understand(words, capsys)
    (words,) = pages.commands("```bash\npython -m collapse.sims.gmm --seed 1\n```\n")
    assert words == ["collapse", "gmm", "--seed", "1"]
    assert not list(pages.commands("```bash\nls | wc; collapse gmm $x\n```\n"))


def test_every_option_that_a_page_names_exists():
    known = completion.script("bash")
    for own in ("figures/redraw.py", "lab/reproduce/command.py", "lab/look/show.py"):
        known += (ROOT / "collapse" / own).read_text()
    for own in ("lab/look/compare.py", "lab/look/report.py", "lab/workers/merge.py"):
        known += (ROOT / "collapse" / own).read_text()
    known += (ROOT / "collapse/lab/plan/command.py").read_text()
    known = set(re.findall(r"--[a-z][a-z-]*", known))
    known |= {"--signal", "--scheduler-file", "--nthreads"}  # of sbatch and dask
    for path in PAGES:
        text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
        for option in re.findall(r"`(?:[a-z ]+ )?(--[a-z-]+)[^`]*`", text):
            assert option in known, (path.name, option)


def functions_of_theory():
    """Name below `collapse.theory` -> function, of all that are public."""
    found = {}
    for info in pkgutil.iter_modules(theory.__path__):
        module = importlib.import_module(f"collapse.theory.{info.name}")
        for name, value in vars(module).items():
            own = getattr(value, "__module__", "") == module.__name__
            if own and inspect.isfunction(value) and not name.startswith("_"):
                found[f"{info.name}.{name}"] = value
    return found


def test_every_closed_form_has_its_row():
    text = (DOCS / "theory/index.md").read_text()
    rows = re.findall(r"^\| `(\w+\.\w+)` \|(.*)\|$", text, re.M)
    names = [name for name, _ in rows]
    assert len(set(names)) == len(names)
    assert set(names) == set(functions_of_theory())
    helpers = text.partition("### Helpers")[2]
    for name, row in rows:
        cells = [cell.strip() for cell in row.split("|")]
        assert all(cells), name
        if f"| `{name}` |" in helpers:
            continue
        *_, source, tested = cells
        assert source and len(cells) == 4, name
        file, test = re.fullmatch(r"`(test_\w+\.py)::(\w+)`", tested).groups()
        code = (ROOT / "tests/theory" / file).read_text()
        assert f"\ndef {test}(" in code, (name, tested)
        last = name.split(".")[1]
        assert re.search(rf"\b{last}\b", code), (name, file)  # it is used there


def test_every_public_name_is_in_the_reference():
    text = (DOCS / "reference/public.md").read_text()
    listed = " ".join(re.findall(r"public::\n\n(.*?)```", text, re.S)).split()
    modules = re.findall(r"`collapse\.(\w+)`\s\(", text)
    assert len(listed) == len(set(listed))
    assert {*listed, *modules, "__version__"} == set(collapse.__all__)


def test_every_room_and_command_is_in_the_reference():
    rooms = {p.parent.name for p in (ROOT / "collapse").glob("*/__init__.py")}
    found = (DOCS / "reference").glob("*.md")
    named = {
        re.findall(r"room:: (\w+)", p.read_text())[0]
        for p in found
        if "room::" in p.read_text()
    }
    assert named == rooms
    text = (DOCS / "reference/commands.md").read_text()
    assert set(re.findall(r"help-of:: (\w+)", text)) == {
        *registry.experiments(),
        *others.WORDS,
    }


def test_the_citation_has_the_version_and_a_date():
    text = (ROOT / "CITATION.cff").read_text()
    (version,) = re.findall(r"^version: (\S+)$", text, re.M)
    assert version == collapse.__version__
    (date,) = re.findall(r"^date-released: (\S+)$", text, re.M)
    assert datetime.date.fromisoformat(date).isoformat() == date
