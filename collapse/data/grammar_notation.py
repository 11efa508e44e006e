"""Grammars as text: `S -> NP VP [0.7] | VP [0.3]`, with words in quotes.

The notation is that of NLTK, whose files can be read: a rule a line, or alternatives
divided by |, shares in brackets, comments after #. `%start NAME` names the symbol that
sentences begin with, usually that of the first rule. `%pair NAME: RIGHT / WRONG` is a
template of minimal pairs.
"""

import math
import re
from collections.abc import Collection
from typing import NamedTuple

from collapse.data.errors import DataError, hint

_TOKEN = re.compile(
    r"""\s*(?:(?P<arrow>->)|(?P<bar>\|)|\[(?P<share>[^\]]*)\]"""
    r"""|'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<name>[\w^<>/.*-]*[\w^<>/.*]))"""
)
_SUM_TOLERANCE = 0.01  # of shares, as NLTK allows; they are divided by their sum


class Word(NamedTuple):
    """A terminal."""

    text: str


Symbols = tuple[str | Word, ...]  # names are non-terminals


class Template(NamedTuple):
    """A template of minimal pairs: two sentences of words and non-terminals."""

    name: str
    right: Symbols
    wrong: Symbols
    line: int


class Notation(NamedTuple):
    """A grammar as it is written.

    Attributes:
      start: the symbol of sentences.
      rules: non-terminal -> its alternatives, each with its share; in order.
      templates: of minimal pairs.
    """

    start: str
    rules: dict[str, list[tuple[Symbols, float]]]
    templates: tuple[Template, ...]


def parsed(name: str, text: str) -> Notation:
    """The grammar that a text writes down.

    Args:
      name: of the file, for messages.
      text: its content.

    Raises:
      DataError: if it is no grammar; names the line, or the non-terminal.
    """
    found: dict[str, list[tuple[Symbols, float | None]]] = {}
    start, templates = "", list[Template]()
    for number, line in _lines(text):
        where = f"{name}: line {number}"
        if line.startswith("%start"):
            start = line.removeprefix("%start").strip()
        elif line.startswith("%pair"):
            templates.append(_template(where, line.removeprefix("%pair"), number))
        elif line.startswith("%"):
            raise DataError(f"{where}: unknown {line.split()[0]}; known: %start, %pair")
        else:
            left, alternatives = _rule(where, line)
            found.setdefault(left, []).extend(alternatives)
    if not found:
        raise DataError(
            f"{name}: has no rule; write one a line, such as S -> NP VP [1]"
        )
    start = start or next(iter(found))
    rules = {left: _shared(f"{name}: {left}", own) for left, own in found.items()}
    _check_names(name, start, rules)
    names = rules.keys()
    return Notation(start, rules, tuple(_resolved(one, names) for one in templates))


def _lines(text: str) -> list[tuple[int, str]]:
    """Numbered lines without comments, those that go on joined."""
    found, open_ = list[tuple[int, str]](), False
    for number, line in enumerate(text.split("\n"), 1):
        line = re.sub(r"""('[^']*'|"[^"]*")|#.*""", lambda m: m[1] or "", line).strip()
        line = line.removesuffix("\\").strip()
        if not line:
            continue
        goes_on = open_ or line.startswith("|")
        open_ = line.endswith("|")
        if goes_on and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line}")
        else:
            found.append((number, line))
    return found


def _rule(where: str, line: str) -> tuple[str, list[tuple[Symbols, float | None]]]:
    """The left side of a rule, and its alternatives with the shares that are given."""
    tokens, place = list[tuple[str, str]](), 0
    while place < len(line.rstrip()):
        match = _TOKEN.match(line, place)
        if match is None or match.lastgroup is None:
            raise DataError(f"{where}: cannot read {line[place:].strip()[:20]!r}")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    kinds = [kind for kind, _ in tokens]
    if kinds[:2] != ["name", "arrow"] or "arrow" in kinds[2:]:
        raise DataError(f"{where}: is no rule; write it as S -> NP VP [0.7] | ...")
    alternatives, right = list[tuple[Symbols, float | None]](), list[str | Word]()
    share: float | None = None
    for kind, text in [*tokens[2:], ("bar", "")]:
        if kind == "bar":
            if not right:
                raise DataError(f"{where}: an alternative is empty; give it a symbol")
            alternatives.append((tuple(right), share))
            right, share = [], None
        elif share is not None:
            raise DataError(f"{where}: a share ends an alternative; put | after it")
        elif kind == "share":
            share = _number(where, text)
        elif kind == "name":
            right.append(text)
        else:
            words = [Word(word) for word in text.split()]
            if not words:
                raise DataError(f"{where}: a word is empty; write it between quotes")
            right += words
    return tokens[0][1], alternatives


def _number(where: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise DataError(f"{where}: share [{text}]; give a number above 0, at most 1")
    return share


def _shared(
    where: str, own: list[tuple[Symbols, float | None]]
) -> list[tuple[Symbols, float]]:
    """Alternatives with shares of sum 1: those given, or equal ones."""
    given = [share for _, share in own if share is not None]
    if given and len(given) < len(own):
        raise DataError(f"{where}: some alternatives have no share; give all, or none")
    total = math.fsum(given) if given else len(own)
    if given and abs(total - 1) > _SUM_TOLERANCE:
        raise DataError(f"{where}: its shares sum to {total:.4g}; make them sum to 1")
    right = [symbols for symbols, _ in own]
    if len(set(right)) < len(right):
        twice = spelled(next(r for r in right if right.count(r) > 1))
        raise DataError(f"{where}: has the alternative {twice!r} twice; write it once")
    return [(symbols, (share or 1.0) / total) for symbols, share in own]


def _check_names(
    name: str, start: str, rules: dict[str, list[tuple[Symbols, float]]]
) -> None:
    """Refuse non-terminals without rules, and those that sentences never have."""
    if start not in rules:
        raise DataError(f"{name}: %start {start or 'names nothing'}: has no rule")
    reached, left = {start}, [start]
    while left:
        for symbols, _ in rules[(own := left.pop())]:
            for symbol in symbols:
                if isinstance(symbol, Word) or symbol in reached:
                    continue
                if symbol not in rules:
                    near = hint(symbol, rules) or "; give it one, or put it in quotes"
                    raise DataError(f"{name}: {own}: {symbol} has no rule{near}")
                reached.add(symbol)
                left.append(symbol)
    if unused := [symbol for symbol in rules if symbol not in reached]:
        raise DataError(
            f"{name}: {unused[0]} is in no sentence that begins with {start}; remove "
            "it, or name another %start"
        )


def _template(where: str, text: str, line: int) -> Template:
    """The template of a line, every symbol as if it were a name."""
    name, colon, sentences = text.rpartition(":")
    right, slash, wrong = sentences.partition("/")
    if not (colon and slash and right.split() and wrong.split()) or "/" in wrong:
        raise DataError(
            f"{where}: is no pair; write %pair NAME: the N_sg runs / the N_sg run"
        )
    return Template(name.strip(), tuple(right.split()), tuple(wrong.split()), line)


def _resolved(template: Template, names: Collection[str]) -> Template:
    """The template with words where a symbol is no non-terminal."""
    right, wrong = (
        tuple(s if s in names else Word(str(s)) for s in symbols)
        for symbols in (template.right, template.wrong)
    )
    return template._replace(right=right, wrong=wrong)


def spelled(symbols: Symbols) -> str:
    """Symbols as a text: words without quotes."""
    return " ".join(s.text if isinstance(s, Word) else s for s in symbols)
