"""`collapse reproduce`: the list, runs with verdicts, reports, and bad input."""

import json
import re
import shutil
from pathlib import Path

import pytest

from collapse.experiment import registry
from collapse.experiment.claims.claim import fingerprint
from collapse.experiment.claims.statistic import points
from collapse.figures.declaration import read_declaration
from collapse.lab import commands, declarations, folder
from collapse.lab import run as runner
from collapse.lab.interrupt import Interrupted
from collapse.lab.reproduce import command, markdown, records, written
from collapse.lab.reproduce.entries import entries
from collapse.lab.reproduce.page import text
from collapse.lab.reproduce.words import lines
from collapse.lab.run import prepare

TINY = """
workflows = ["replace", "accumulate"]
num_generations = 20
samples_per_generation = 10
num_seeds = 200
rows = "law"
metrics = ["variance_ratio"]

[[figure]]
metrics = ["variance_ratio"]
title = "Variance by <workflow>"

[[figure]]
name = "again"
metrics = ["variance_ratio"]
"""
CLAIMS = """
cite = "Somebody 2024"
title = "A title"
link = "https://example.org"

[check."gaussian/tiny"]
num_seeds = 300

[[claim]]
name = "variance_lost"
says = "The variance is lost & gone."
declaration = "gaussian/tiny"
place = "figure 1"
published = "less than a half"
trust = "paper"
[[claim.rule]]
of = "variance_ratio"
at = { workflow = "replace", generation = 20 }
at_most = 0.5
[claim.control]
says = "data accumulate"
read = { workflow = "accumulate" }

[[claim]]
name = "other_machine"
says = "Something else."
declaration = "gaussian/tiny"
place = "figure 2"
published = "more"
trust = "plot"
reason = "No such thing is here."
"""
ANOTHER = CLAIMS.replace("gaussian/tiny", "gaussian/none")


FIGURES = Path(__file__).parents[2] / "figures"
RECORD = {"packages": {"jax": "1"}, "devices": ["cpu"], "processor": "p", "seeds": 2}
RECORD |= {
    "check": False,
    "seconds": 1.0,
    "commit": "c",
    "quick": False,
    "confidence": 0.95,
}


@pytest.fixture
def sims(tmp_path, monkeypatch):
    """A folder of declarations with one figure and its claims."""
    (tmp_path / "sims" / "gaussian").mkdir(parents=True)
    (tmp_path / "sims" / "claims").mkdir()
    (tmp_path / "sims" / "gaussian" / "tiny.toml").write_text(TINY)
    (tmp_path / "sims" / "claims" / "somebody.toml").write_text(CLAIMS)
    monkeypatch.setattr(declarations, "folder", lambda: tmp_path / "sims")
    monkeypatch.setattr(records, "published", dict)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "sims"


def test_every_figure_has_a_claim_and_every_claim_a_figure():
    every = entries()
    assert [entry.name for entry in every if not entry.claims] == []
    names = {entry.name for entry in every}
    assert {claim.declaration for e in every for _, claim in e.claims} == names


def test_results_cite_the_papers_whose_claims_they_test():
    for entry in entries():
        figures = read_declaration(entry.path, registry.experiment(entry.command))[1]
        cited = " ".join(figure.cites for figure in figures)
        for paper in {paper.cite for paper, claim in entry.claims if claim.rules}:
            assert paper == "This lab" or paper in cited, (entry.name, paper)


def test_what_is_published_is_what_these_claims_gave():
    """Else: collapse reproduce NAME --publish figures, for what has changed."""
    every, known = entries(), records.published()
    assert [entry.name for entry in every if entry.name not in known] == []
    for entry in every:
        found = known[entry.name]["claims"]
        for _, claim in entry.claims:
            assert found[claim.name]["rules"] == fingerprint(claim), claim.name
            assert found[claim.name]["control"] != "agrees", claim.name
    text = markdown.text(every, known, lambda _, figure: f"figures/{figure}.svg")
    assert (FIGURES.parent / written.MARKDOWN).read_text() == text


def reached(experiment, rule):
    """Places that a rule names and the results of an experiment will not have."""
    cells = list(experiment.cells())
    known = {axis: {cell[axis] for cell in cells} for axis in cells[0]}
    known |= {
        "workflow": set(experiment.labels()),
        "statistic": {"mean", "low", "high"},
    }
    known["generation"] = set(range(experiment.num_generations + 1))
    for at in (rule.at, {k: v for k, v in rule.over.items() if k != "of"}):
        for place in points(at):
            yield from (f"{k} {v}" for k, v in place.items() if v not in known[k])


@pytest.mark.parametrize("check", [False, True])
def test_rules_name_places_that_runs_reach(check):
    missing = []
    for entry in entries():
        kind = registry.experiment(entry.command)
        experiment, _ = read_declaration(entry.path, kind)
        if check:
            lists = {k: tuple(v) for k, v in entry.check.items() if type(v) is list}
            experiment = experiment.with_values({**entry.check, **lists})
            assert entry.check or all(not c.rules for _, c in entry.claims), entry.name
        experiment, _ = prepare(experiment)
        for _, claim in entry.claims:
            for rule in claim.rules:
                missing += [(claim.name, one) for one in reached(experiment, rule)]
                control = claim.control
                other = rule._replace(at=control.read, over=control.over)
                missing += [(claim.name, one) for one in reached(experiment, other)]
    assert missing == []


def test_the_list_names_figures_claims_and_state(sims, capsys):
    assert commands.main(["reproduce"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"gaussian/tiny +unknown\n", said)
    assert re.search(r"variance_lost +not run +Somebody 2024", said)
    assert re.search(r"other_machine +not comparable +Somebody 2024", said)
    assert "1 figures, 2 claims" in said
    out = Path("reproduction")
    known = {**RECORD, "claims": {"variance_lost": _recorded("differs")}}
    out.mkdir()
    records.merge(out / records.NAME, {"gaussian/tiny": known})
    assert commands.main(["reproduce"]) == 0
    told = re.escape("Somebody 2024  [your run: differs]")
    assert re.search(rf"variance_lost +not run +{told}", capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["varaince_lost"], "is no figure, claim or paper; did you mean variance_lost"),
        (["tiny", "--all"], "all: is every figure; drop it, or the names"),
        (["tiny", "--quik"], "--quik: no such option; did you mean --quick?; see"),
        (["--al"], "--al: no such option; did you mean --all?; see"),
        (["tiny", "--out", "sims/gaussian/tiny.toml"], "is a file; give a folder"),
        (["tiny", "--quick", "--publish", "x"], "publish: does not go with --quick"),
        (["tiny", "--publish", ""], "publish: is empty; give a folder"),
        (["--quick"], "quick: of what? add names or --all"),
        ([""], "an empty name is no figure, claim or paper; see the list"),
        (["tiny", "--out", "/proc/x"], "out: /proc/x cannot be written (No such"),
        (["tiny", "--out", ""], "out: empty; give a folder or drop --out"),
        (["--out", "sims/gaussian/tiny.toml"], "is a file; give a folder"),
        (["--all", "--publish", "sims/gaussian/tiny.toml"], "; give a folder"),
        (["--all", "--check", "--publish", "sims/gaussian/tiny.toml"], "; give a f"),
    ],
)
def test_bad_input_is_one_line(sims, capsys, arguments, said):
    assert command.main(arguments) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1


@pytest.mark.parametrize(
    "file, arguments",
    [
        ("REPRODUCTION.md", ["--publish", "figures"]),
        ("out/REPRODUCTION.md", ["--out", "out"]),
        ("out/report-quick.html", ["--out", "out", "--quick"]),
    ],
)
def test_a_file_of_somebody_s_own_stays(sims, capsys, file, arguments):
    path = sims.parent / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("my own notes")
    assert command.main(["tiny", *arguments]) == 2
    said = capsys.readouterr()
    assert "exists, and is none that this command wrote" in said.err and not said.out
    assert path.read_text() == "my own notes"


def test_what_is_published_lies_beside_the_folder_by_whatever_path(
    tmp_path, monkeypatch
):
    (tmp_path / "figures").mkdir()
    monkeypatch.chdir(tmp_path / "figures")
    for name in (".", "../figures", str(tmp_path / "figures") + "/"):
        found = written.beside(name).resolve()
        assert found == (tmp_path / written.MARKDOWN).resolve()


@pytest.mark.parametrize("force", [True, False])
def test_after_a_stop_it_says_how_to_go_on(sims, capsys, monkeypatch, force):
    def stopped(*_):
        raise Interrupted

    monkeypatch.setattr(command, "_reproduce", stopped)
    assert command.main(["tiny", *["--force"] * force]) == 130
    said = capsys.readouterr().err
    assert "the same command goes on from here, without --resume" in said
    assert ("without --resume and --force" in said) == force


def test_a_stop_within_a_run_is_told_once(sims, capsys, monkeypatch):
    def stopped(*_):
        raise Interrupted("continue with the same command and --resume")

    monkeypatch.setattr(runner, "_run", stopped)
    assert command.main(["tiny", "--quiet"]) == 130
    said = capsys.readouterr().err
    assert "and --resume" not in said and said.count("interrupted") == 1


def test_a_claim_of_a_figure_that_is_not_there(sims, capsys):
    (sims / "claims" / "somebody.toml").write_text(ANOTHER)
    assert command.main([]) == 2
    assert (
        "gaussian/none is none; did you mean gaussian/tiny" in capsys.readouterr().err
    )


def test_a_figure_is_made_and_its_claims_judged(sims, capsys, tmp_path):
    assert command.main(["somebody", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"agrees +variance_lost", said)
    out = tmp_path / "reproduction"
    record = records.read(out / records.NAME)["gaussian/tiny"]
    found = record["claims"]["variance_lost"]
    assert (found["verdict"], found["control"]) == ("agrees", "differs")
    (((one,),)) = found["measured"]
    assert one["high"] < 0.5 and one["seeds"] == 200
    assert record["confidence"] == 0.95 and record["seeds"] == 200
    assert record["claims"]["other_machine"]["verdict"] == "not comparable"
    _reports_are_complete(out)

    # made again: nothing is computed, and the list knows
    before = (out / "tiny" / folder.RESULTS).stat().st_mtime_ns
    assert command.main(["tiny", "--quiet"]) == 0
    assert (out / "tiny" / folder.RESULTS).stat().st_mtime_ns == before
    assert command.main([]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"tiny +unknown +complete\n.*\[your run: agrees\]", listed)

    # a damaged run is named, and repeated where that is asked for
    (out / "tiny" / folder.RESULTS).write_text("junk")
    assert command.main([]) == 0
    assert re.search(r"tiny +unknown +damaged\n", capsys.readouterr().out)
    assert command.main(["tiny", "--quiet"]) == 2
    assert "results.nc is damaged" in capsys.readouterr().err
    assert command.main(["tiny", "--quiet", "--force"]) == 0
    assert "agrees" in capsys.readouterr().out


def _reports_are_complete(out):
    text = (out / written.MARKDOWN).read_text()
    assert "* **agrees**: The variance is lost & gone." in text
    assert "2 claims: 1 agrees, 1 not comparable" in text
    links = re.findall(r"\]\(([^)h][^)]*)\)", text)
    assert len(links) >= 3
    assert [link for link in links if not (out / link).is_file()] == []
    page = (out / written.PAGE).read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "lost &amp; gone" in page and "Variance by &lt;workflow&gt;" in page
    assert 'src="http' not in page and "<script" not in page


def test_the_report_opens_offline_in_a_browser(tmp_path):
    """With every picture shown, and no request for anything but the file itself."""
    playwright = pytest.importorskip("playwright.sync_api")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    some = [entry for entry in entries() if entry.stem in ("golden_ratio", "price")]
    for entry in some:
        (tmp_path / entry.stem).mkdir()
        for figure in entry.figures:
            picture = FIGURES / f"{figure}.png"
            shutil.copy(picture, tmp_path / entry.stem / f"{entry.drawn(figure)}.png")
    report = tmp_path / written.PAGE
    known = {**RECORD, "claims": {}}
    report.write_text(
        text(
            some,
            {entry.name: known for entry in some},
            {entry.name: tmp_path / entry.stem for entry in some},
        )
    )
    with playwright.sync_playwright() as driver:
        page = driver.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        ).new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(report.as_uri())
        widths = page.evaluate("[...document.images].map(one => one.naturalWidth)")
        assert len(widths) == 4 and min(widths) > 100
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        page.click("a[href='#golden_ratio']")
        assert "golden ratio" in page.inner_text("body").lower()


def test_check_uses_other_seeds_at_its_own_size(sims, tmp_path):
    assert command.main(["tiny", "--check", "--quiet"]) == 0
    told = (tmp_path / "reproduction" / "tiny-check" / folder.LABEL).read_text()
    assert "num_seeds = 300" in told and "seed = 20000" in told
    assert not (tmp_path / "reproduction" / records.NAME).exists()


def test_a_published_check_stands_beside_the_figure_s_verdict(sims, tmp_path, capsys):
    target = tmp_path / "figures"
    check = ["tiny", "--check", "--quiet", "--publish", str(target)]
    assert command.main(check) == 2  # of which figure?
    assert "has no record of gaussian/tiny; pub" in capsys.readouterr().err
    assert not (tmp_path / "reproduction").exists()
    target.mkdir()
    known = {**RECORD, "claims": {"variance_lost": _recorded("undecided")}}
    records.merge(target / records.NAME, {"gaussian/tiny": known})
    assert command.main(check) == 0
    told = (tmp_path / written.MARKDOWN).read_text()
    assert "* **undecided**: The variance is lost" in told
    assert "  * checked with 300 other seeds: **agrees**\n    * at replace" in told
    assert "1 undecided; checked with other seeds: 1 agrees" in told
    assert {one.name for one in target.iterdir()} == {records.NAME}  # no figure
    # made again: the check stays
    again = records.merge(target / records.NAME, {"gaussian/tiny": known})
    assert again["gaussian/tiny"][records.CHECKED]["seeds"] == 300


def _recorded(verdict):
    (claim,) = (c for e in entries() for _, c in e.claims if c.name == "variance_lost")
    return {
        "rules": fingerprint(claim),
        "verdict": verdict,
        "control": "differs",
        "measured": [[{"at": {}, "value": 1.0, "low": 0.0, "high": 2.0, "seeds": 2}]],
    }


def test_a_quick_run_decides_nothing(sims, tmp_path, capsys):
    assert command.main(["--all", "--quick", "--quiet"]) == 0
    assert re.search(r"undecided +variance_lost", capsys.readouterr().out)
    page = (tmp_path / "reproduction" / "report-quick.html").read_text()
    assert "cut down by --quick" in page


def test_a_control_that_agrees_fails_the_command(sims, capsys):
    text = CLAIMS.replace(
        'read = { workflow = "accumulate" }', "read = { generation = 19 }"
    )
    (sims / "claims" / "somebody.toml").write_text(text)
    assert command.main(["tiny", "--quiet"]) == 1
    assert "error: variance_lost: its control agrees, too" in capsys.readouterr().err


def test_a_control_may_be_a_run_of_its_own(sims, tmp_path):
    text = CLAIMS.replace('read = { workflow = "accumulate" }', "change = { ddof = 1 }")
    (sims / "claims" / "somebody.toml").write_text(text)
    assert command.main(["tiny", "--quiet"]) == 0
    out = tmp_path / "reproduction"
    label = (out / "tiny-control-variance_lost" / folder.LABEL).read_text()
    assert "ddof = [1]" in label
    found = records.read(out / records.NAME)["gaussian/tiny"]["claims"]
    assert found["variance_lost"]["control"] in ("differs", "undecided")


def test_what_cannot_be_run_is_named_and_the_rest_is_made(sims, capsys):
    (sims / "gaussian" / "wrong.toml").write_text("num_seeds = -1\n")
    assert command.main(["--all", "--quiet"]) == 2
    said = capsys.readouterr()
    assert re.search(r"agrees +variance_lost", said.out)
    assert "not made in full: gaussian/wrong" in said.err


def test_one_claim_that_cannot_be_read_costs_no_other(sims, capsys, tmp_path):
    text = CLAIMS + CLAIMS[CLAIMS.index("[[claim]]") :].split("[[claim]]")[1].join(
        ("[[claim]]", "")
    ).replace("variance_lost", "unreadable").replace('"variance_ratio"', '"w2_squared"')
    (sims / "claims" / "somebody.toml").write_text(text)
    assert command.main(["tiny", "--quiet"]) == 2
    said = capsys.readouterr()
    assert "error: claim unreadable: of: w2_squared was not measured" in said.err
    assert re.search(r"agrees +variance_lost", said.out)


def test_a_record_of_other_rules_says_nothing(sims, tmp_path, capsys):
    out = tmp_path / "reproduction"
    out.mkdir()
    old = {**RECORD, "claims": {"variance_lost": {"rules": "?", "verdict": "agrees"}}}
    records.merge(out / records.NAME, {"gaussian/tiny": old})
    assert command.main([]) == 0
    assert re.search(r"variance_lost +not run", capsys.readouterr().out)
    (entry,) = entries()
    told = lines([entry], records.read(out / records.NAME))
    assert [line.verdict for line in told[0][1]] == ["not run", "not comparable"]


def test_many_places_are_told_together():
    (entry,) = [entry for entry in entries() if entry.stem == "gerstgrasser_sweep"]
    (line,) = [
        line
        for _, several in lines([entry], records.published())
        for line in several
        if line.claim.name == "linear_sweep"
    ]
    (told,) = line.measured
    found = re.fullmatch(
        r"at each of 18 points: test_error over .* = ([\d.]+) to ([\d.]+), all "
        r"intervals within ([\d.]+) to ([\d.]+); the claim: 0.95 to 1.05",
        told,
    )
    least, most, low, high = map(float, found.groups())
    assert low < least < 1 < most < high


@pytest.mark.parametrize("text", ["[]", '{"mixing/price": 3}', '{"mixing/price": {}}'])
def test_records_of_another_form_are_named(tmp_path, text):
    (tmp_path / records.NAME).write_text(text)
    with pytest.raises(ValueError, match="verdicts.json: cannot be read"):
        records.read(tmp_path / records.NAME)


def test_records_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / records.NAME
    path.write_text("{")
    with pytest.raises(ValueError, match="verdicts.json: cannot be read"):
        records.read(path)
    path.write_text("{}")
    records.merge(path, {"b/one": {"claims": {}}})
    records.merge(path, {"a/one": {"claims": {}}})
    assert list(json.loads(path.read_text())) == ["a/one", "b/one"]
