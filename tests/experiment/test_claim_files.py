"""Files of claims: what they may hold, and what is said of those that are malformed."""

import math

import pytest

from collapse.data.errors import InputError
from collapse.experiment.claims.claim import read_papers
from collapse.experiment.claims.statistic import points
from collapse.lab import declarations

GOOD = """
cite = "Somebody 2024"
title = "A title"
link = ""
[[claim]]
name = "one"
says = "It grows."
declaration = "gmm/tail_mass"
place = "figure 1"
published = "larger"
trust = "paper"
[[claim.rule]]
of = "test_error"
how = "difference"
at = { generation = 9 }
over = { generation = 0 }
at_least = 0.0
[claim.control]
says = "exchanged"
swap = true
"""


def written(folder, text, name="somebody"):
    (folder / f"{name}.toml").write_text(text)
    return folder


def test_a_file_is_a_paper_with_its_claims(tmp_path):
    (paper,) = read_papers(written(tmp_path, GOOD))
    assert (paper.name, paper.cite) == ("somebody", "Somebody 2024")
    (claim,) = paper.claims
    (rule,) = claim.rules
    assert claim.control.swap and not claim.control.read
    assert (rule.low, rule.high, rule.statistic) == (0.0, math.inf, "mean")
    assert (rule.at, rule.over) == ({"generation": 9}, {"generation": 0})


def test_near_and_within_are_a_range(tmp_path):
    text = GOOD.replace("at_least = 0.0", "near = 1.5\nwithin = 0.5")
    (paper,) = read_papers(written(tmp_path, text))
    assert paper.claims[0].rules[0].low == 1.0 and paper.claims[0].rules[0].high == 2.0


@pytest.mark.parametrize(
    "old, new, said",
    [
        ('cite = "Somebody 2024"', "cite = 3", "cite must be text in quotes"),
        ('title = "A', 'tilte = "A', "unknown key tilte; did you mean title?"),
        ('says = "It', 'say = "It', "claim one: unknown key say; did you mean says"),
        ('says = "It grows."', "", "claim one: says is missing"),
        ('trust = "paper"', 'trust = "papre"', "unknown 'papre'; known are paper"),
        ('trust = "paper"', "", "claim one: trust: unknown None"),
        ("at_least = 0.0", "", "give a range: at_least"),
        ("at_least = 0.0", "near = 1.0", "near 1.0 needs within"),
        ("at_least = 0.0", "at_least = 2.0\nat_most = 1.0", "give a range"),
        ("at_least = 0.0", "near = 1.0\nwithin = 1.0\nfair = true", "has one bound"),
        ('"difference"', '"diference"', "did you mean difference?"),
        ('"difference"', '"share_below"', "a level goes with share_below"),
        ("over = { generation = 0 }", "", "over goes with a difference or a ratio"),
        ("swap = true", "beyond = 1\nswap = true", "unknown key beyond"),
        (
            "at_least = 0.0",
            "at_least = 0.0\nbeyond = { generation = 1 }",
            "with a ratio",
        ),
        ("swap = true", "", "give read, over or both, or one of swap"),
        ("swap = true", "swap = true\nshuffle = true", "give read, over or both"),
        ('says = "exchanged"', "", "control: says is missing"),
        (GOOD[GOOD.index("[claim.control]") :], "", "has a rule and no control"),
        (GOOD[GOOD.index("[[claim.rule]]") :], "", "neither a rule nor a reason"),
        ("[[claim]]", "[[claim", "not a TOML file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, old, new, said):
    assert old in GOOD
    with pytest.raises(InputError) as error:
        read_papers(written(tmp_path, GOOD.replace(old, new)))
    assert said in str(error.value) and "somebody.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_no_two_claims_share_a_name(tmp_path):
    written(tmp_path, GOOD)
    with pytest.raises(InputError, match="claim one stands twice"):
        read_papers(written(tmp_path, GOOD, "other"))


def test_every_claim_of_the_lab_has_a_control_or_a_reason():
    papers = read_papers(declarations.folder() / declarations.CLAIMS)
    claims = [claim for paper in papers for claim in paper.claims]
    assert len(claims) > 40 and len(papers) > 6
    for claim in claims:
        assert bool(claim.rules) == (claim.control is not None), claim.name
        assert claim.rules or claim.reason, claim.name


def test_a_control_does_not_compare_a_point_with_itself():
    """It could only fail, whatever the numbers, beside points that can hold."""
    papers = read_papers(declarations.folder() / declarations.CLAIMS)
    for claim in (claim for paper in papers for claim in paper.claims):
        control = claim.control
        if control is None or not (control.read or control.over):
            continue
        for rule in claim.rules:
            at = {**rule.at, **control.read}
            over = {**rule.over, **control.over}
            if not rule.over or rule.fair or "of" in over:
                continue
            same = [{**at, **over} == point for point in points(at)]
            assert all(same) or not any(same), (claim.name, at, over)
