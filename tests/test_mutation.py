"""The table of mutants fits the code, and a run tells what is caught from the rest.

The run itself is weekly: `python tests/mutants.py`.
"""

import ast
import re
from pathlib import Path

import mutants as command
import pytest
from mutation import copies, score
from mutation.table import SCORE, Mutant, mutated, read

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "collapse"
TABLE = read()


@pytest.mark.parametrize("room", dict.fromkeys(m.room for m in TABLE))
def test_every_old_text_occurs_once_and_the_new_one_is_code(room):
    for mutant in (m for m in TABLE if m.room == room):
        found = mutated(mutant, (PACKAGE / mutant.file).read_text("utf-8"))
        ast.parse(found)


def test_no_two_mutants_are_alike():
    names, faults = [m.name for m in TABLE], [(m.file, m.old, m.new) for m in TABLE]
    assert len(set(names)) == len(names) == len(set(faults))
    assert not any("|" in name or "`" in name for name in names)


def test_every_test_that_is_named_is_there():
    for name in {test for mutant in TABLE for test in mutant.tests}:
        path, _, function = name.partition("::")
        text = (TESTS / path).read_text("utf-8")
        wanted = re.escape(function.partition("[")[0])
        assert re.search(rf"^def {wanted}\(", text, re.MULTILINE) or not function, name


def test_the_score_is_of_this_table():
    """Else: python tests/mutants.py --missing --write."""
    known = score.known(SCORE)
    assert [m.name for m in TABLE if score.digest(m) not in known] == []
    assert SCORE.read_text("utf-8") == score.page(TABLE, known)


MUTANT = Mutant("room", "a fault", "a.py", "x + 1", "x - 1", ("test_a.py",))


def test_a_text_that_is_not_there_once_is_refused():
    assert mutated(MUTANT, "y = x + 1") == "y = x - 1"
    for text in ("y = x", "y = x + 1 + (x + 1)"):
        with pytest.raises(ValueError, match="a fault: the old text occurs [02] times"):
            mutated(MUTANT, text)
    with pytest.raises(ValueError, match="the new text is the old one"):
        mutated(MUTANT._replace(new="x + 1"), "y = x + 1")


FAILED = "FAILED tests/a.py::test_b[1 b-2] - assert 1 == 2\n1 failed in 0.1s\n"


@pytest.mark.parametrize(
    ("status", "output", "right"),
    [
        (1, FAILED, ("caught", "a.py::test_b[1 b-2]")),
        (0, "1 passed in 0.1s\n", ("survived", "")),
        (2, "ERROR tests/a.py\n1 error", ("error", "pytest ended with 2: 1 error")),
        (1, "ERROR tests/a.py::test_b\n", None),  # a fixture's, no test's
        (4, "not found", ("error", "pytest ended with 4: not found")),
        (5, "", ("error", "pytest ended with 5: nothing was said")),
        (None, "", ("error", "no answer within 600 s")),
    ],
)
def test_only_a_test_that_fails_catches_a_mutant(status, output, right):
    found = copies.outcome(status, output)
    assert found == right if right else found.verdict == "error"


def test_a_page_is_read_back_and_knows_what_was_changed_since():
    other = MUTANT._replace(name="another", new="x * 1")
    caught = copies.Outcome("caught", "a.py::test_b[1]")
    lived = copies.Outcome("survived", "")
    outcomes = {score.digest(MUTANT): caught, score.digest(other): lived}
    page = score.page([MUTANT, other], outcomes)
    assert "**1 of 2 mutants are caught.**" in page and "**survived**" in page
    assert score.page([MUTANT], {}).count("**not tried**") == 1


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A checkout with one function and one test of it."""
    root = tmp_path / "checkout"
    for name, text in {
        "collapse/__init__.py": "",
        "collapse/a.py": "def more(x):\n    'A number more.'\n    return x + 1\n",
        "tests/test_a.py": "from collapse.a import more\n\n\n"
        "def test_more():\n    assert more(1) == 2\n",
        "sims/nothing.toml": "",
        "pyproject.toml": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(copies, "ROOT", root)
    table = tmp_path / "table"
    table.mkdir()
    return root, table


def listed(table, *faults):
    """A table of these pairs of texts."""
    lines = [
        f"[[mutants]]\nname = '{i}'\nfile = 'a.py'\nold = '''{old}'''\n"
        f"new = '''{new}'''\ntests = ['test_a.py']\n"
        for i, (old, new) in enumerate(faults)
    ]
    (table / "room.toml").write_text("\n".join(lines))


def test_a_run_fails_if_one_mutant_lives_and_leaves_the_checkout_alone(folders, capsys):
    root, table = folders
    before = {p: p.read_text() for p in root.rglob("*") if p.is_file()}
    fault, comment = ("x + 1", "x + 2"), ("A number more", "Another number")
    listed(table, fault)
    assert command.main(["--table", str(table)]) == 0
    assert "1 of 1 mutants are caught" in capsys.readouterr().out
    listed(table, fault, comment)
    assert command.main(["--table", str(table), "--jobs", "2"]) == 1
    said = capsys.readouterr().out
    assert "survived  room: 1" in said and "1 of 2 mutants are caught" in said
    assert {p: p.read_text() for p in root.rglob("*") if p.is_file()} == before


def test_a_test_that_fails_without_a_fault_catches_nothing(folders, capsys):
    root, table = folders
    (root / "tests/test_a.py").write_text("def test_a():\n    assert False\n")
    listed(table, ("x + 1", "x + 2"))
    assert command.main(["--table", str(table)]) == 1
    assert "the tests fail without a fault" in capsys.readouterr().err


def test_what_cannot_be_asked_for_is_refused(tmp_path, capsys):
    assert command.main(["--only", "no such mutant"]) == 2
    for wrong in (["--jobs", "0"], ["--write", "--table", str(tmp_path)]):
        with pytest.raises(SystemExit, match="2"):
            command.main(wrong)
