"""What a claim is, and the files that hold them: one TOML file a paper.

name = "gerstgrasser2024"
cite = "Gerstgrasser et al. 2024"
...
[[claim]]
name = "accumulate_bounded"
says = "..."
declaration = "linear/linear_versus_bounded"
[[claim.rule]]
of = "error_ratio"
at = { workflow = "accumulate", generation = 199 }
near = 1.639947
within = 0.05
[claim.control]
says = "under replace the error is 200 times the first"
read = { workflow = "replace" }
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from collapse.data.errors import InputError, hint, unknown_value
from collapse.experiment.toml import read_table

Trust = Literal["paper", "abstract", "code", "plot", "secondary", "derived", "own"]
Statistic = Literal["mean", "median"]
How = Literal["value", "difference", "ratio", "share_below", "share_above"]
Where = Mapping[str, Any]
NOWHERE: Where = MappingProxyType({})


class Rule(NamedTuple):
    """A number of a run, and the range in which the claim holds.

    Attributes:
      of: a variable of the results; that of a closed form is `<metric>_theory`.
      at: dimension of the results -> value, or list of values that all must do. The
        generation is the last one if it is not given.
      how: `value` of the variable; its `difference` or `ratio` to that at `over`, seed
        by seed where there are seeds; or the share of seeds in which it lies below or
        above `level`.
      over: what differs from `at` at the other point of a difference or ratio; `of`
        may name another variable there.
      beyond: what differs at the point whose number is subtracted from both sides of a
        ratio: with `{generation: 0}` it is the ratio of what was added since.
      statistic: over seeds.
      level: of a share.
      low: least value for which the claim holds.
      high: largest such value.
      because: why the range is what it is.
      fair: whether the rule says that the others compare like with like, such as equal
        numbers of real rows. It bounds what would favour the claim: where it does not
        hold the claim cannot agree, but it differs where another rule does, since that
        would be worse still between equals. The control need not break it.
    """

    of: str
    at: Where = NOWHERE
    how: How = "value"
    over: Where = NOWHERE
    beyond: Where = NOWHERE
    statistic: Statistic = "mean"
    level: float = math.nan
    low: float = -math.inf
    high: float = math.inf
    because: str = ""
    fair: bool = False


class Control(NamedTuple):
    """A condition under which no rule of a claim may hold at all of its points.

    Attributes:
      says: the condition, in words.
      read: what to read of the same results instead, as `Rule.at`.
      over: what to read at the other point of a difference or ratio instead.
      swap: exchange the two points of each difference or ratio.
      shuffle: exchange the generations of each seed at random.
      change: fields of the experiment, for a run of its own.
    """

    says: str
    read: Where = NOWHERE
    over: Where = NOWHERE
    swap: bool = False
    shuffle: bool = False
    change: Where = NOWHERE


class Claim(NamedTuple):
    """One statement of a paper, with the rules that decide whether the lab agrees.

    Attributes:
      name: of the claim, like a variable; no two claims share one.
      says: the statement, in our words.
      declaration: `<command>/<figure>`, the experiment that tests it.
      place: in the paper.
      published: the value or ordering there.
      trust: how the lab knows of it.
      rules: all must be passed; none where the claim is not comparable.
      control: None where it is not comparable.
      reason: why the two differ, or cannot be compared.
    """

    name: str
    says: str
    declaration: str
    place: str
    published: str
    trust: Trust
    rules: tuple[Rule, ...]
    control: Control | None
    reason: str = ""


class Paper(NamedTuple):
    """A paper with its claims.

    Attributes:
      name: like a variable; that of the file.
      cite: `Shumailov et al. 2024`.
      title: of the paper.
      link: to it; "" for findings of the lab.
      claims: in the order of the file.
      checks: declaration -> fields of the experiment when claims are checked with
        other seeds, at a size that decides.
    """

    name: str
    cite: str
    title: str
    link: str
    claims: tuple[Claim, ...]
    checks: Mapping[str, Where]


def fingerprint(claim: Claim) -> str:
    """Eight hexadecimal digits, different for different rules or controls."""
    rules = [rule._asdict() for rule in claim.rules]
    for rule in rules:
        for name in ("beyond", "fair"):  # as of records made before these existed
            if not rule[name]:
                del rule[name]
    control = claim.control._asdict() if claim.control is not None else None
    text = json.dumps([rules, control], default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def read_papers(folder: Path) -> tuple[Paper, ...]:
    """The papers of a folder with their claims, in the order of their files.

    Raises:
      InputError: for a file that is malformed; names it, the claim and the key.
    """
    papers = tuple(_paper(path) for path in sorted(folder.glob("*.toml")))
    names = [claim.name for paper in papers for claim in paper.claims]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{folder}: claim {name} stands twice; rename one")
    return papers


_PAPER = ("cite", "title", "link", "claim", "check")
_CLAIM = (
    *("name", "says", "declaration", "place", "published", "trust", "reason"),
    *("rule", "control"),
)
_RULE = (
    *("of", "at", "how", "over", "beyond", "statistic", "level", "because"),
    *("at_least", "at_most", "near", "within", "fair"),
)
_CONTROL = Control._fields


def _paper(path: Path) -> Paper:
    table = read_table(path)
    _known(table, _PAPER, str(path))
    head = {key: _text(table, key, str(path)) for key in ("cite", "title", "link")}
    claims = tuple(_claim(one, str(path)) for one in table.get("claim", []))
    return Paper(path.stem, **head, claims=claims, checks=table.get("check", {}))


def _claim(table: Mapping[str, Any], origin: str) -> Claim:
    origin = f"{origin}: claim {table.get('name', '?')}"
    _known(table, _CLAIM, origin)
    words = ("name", "says", "declaration", "place", "published", "reason")
    told = {key: _text(table, key, origin) for key in words}
    trust = _word(table.get("trust"), Trust, "trust", origin)
    rules = tuple(_rule(one, origin) for one in table.get("rule", []))
    control = _control(table["control"], origin) if "control" in table else None
    for key in words[:-1]:
        if not told[key]:
            raise InputError(f"{origin}: {key} is missing")
    if rules and all(rule.fair for rule in rules):
        raise InputError(f"{origin}: all rules are fair; one has to be the claim")
    if rules and control is None:
        raise InputError(f"{origin}: has a rule and no control; add [claim.control]")
    if not rules and not told["reason"]:
        raise InputError(f"{origin}: has neither a rule nor a reason why it has none")
    return Claim(**told, trust=trust, rules=rules, control=control)


def _rule(table: Mapping[str, Any], origin: str) -> Rule:
    _known(table, _RULE, origin)
    low, high = table.get("at_least", -math.inf), table.get("at_most", math.inf)
    if "near" in table:
        if "within" not in table:
            raise InputError(f"{origin}: near {table['near']} needs within, too")
        low, high = table["near"] - table["within"], table["near"] + table["within"]
    if not low < high or (math.isinf(low) and math.isinf(high)):
        raise InputError(f"{origin}: give a range: at_least, at_most, or near, within")
    if table.get("fair") and not (math.isinf(low) or math.isinf(high)):
        raise InputError(f"{origin}: a fair rule has one bound, at_least or at_most")
    how = _word(table.get("how", "value"), How, "how", origin)
    if how.startswith("share") != ("level" in table):
        raise InputError(f"{origin}: a level goes with share_below and share_above")
    if (how in ("difference", "ratio")) != ("over" in table):
        raise InputError(f"{origin}: over goes with a difference or a ratio")
    if "beyond" in table and how != "ratio":
        raise InputError(f"{origin}: beyond goes with a ratio")
    return Rule(
        of=_text(table, "of", origin),
        at=table.get("at", NOWHERE),
        how=how,
        over=table.get("over", NOWHERE),
        beyond=table.get("beyond", NOWHERE),
        statistic=_word(table.get("statistic", "mean"), Statistic, "statistic", origin),
        level=float(table.get("level", math.nan)),
        low=float(low),
        high=float(high),
        because=_text(table, "because", origin),
        fair=_flag(table, "fair", origin),
    )


def _control(table: Mapping[str, Any], origin: str) -> Control:
    origin = f"{origin}: control"
    _known(table, _CONTROL, origin)
    if not table.get("says"):
        raise InputError(f"{origin}: says is missing")
    control = Control(**table)
    ways = (control.read or control.over, *control[3:])
    if sum(map(bool, ways)) != 1:
        raise InputError(
            f"{origin}: give read, over or both, or one of swap, shuffle, change"
        )
    return control


def _known(table: Mapping[str, Any], keys: tuple[str, ...], origin: str) -> None:
    for key in table:
        if key not in keys:
            raise InputError(f"{origin}: unknown key {key}{hint(key, keys)}")


def _text(table: Mapping[str, Any], key: str, origin: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise InputError(f"{origin}: {key} must be text in quotes, got {value!r}")
    return value


def _flag(table: Mapping[str, Any], key: str, origin: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise InputError(f"{origin}: {key} must be true or false, got {value!r}")
    return value


def _word(value: Any, kind: Any, key: str, origin: str) -> Any:
    if value not in get_args(kind):
        raise InputError(f"{origin}: {key}: {unknown_value(value, get_args(kind))}")
    return value
