"""Minimal pairs: a right and a wrong sentence, with all derivations of both."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from collapse.data.errors import DataError
from collapse.data.grammar_notation import Notation, Symbols, Template, Word, spelled

_MOST_DERIVATIONS = 64  # of a sentence
Rule = tuple[int, int]  # number of the non-terminal and of the alternative
Derivations = tuple[tuple[Rule, ...], ...]


class MinimalPairs(NamedTuple):
    """P pairs of sentences, and the rules of their derivations.

    Attributes:
      names: [P] of their templates.
      sentences: [P] the right and the wrong one.
      right: [P] every derivation of the right one; at least one each.
      wrong: [P] every derivation of the wrong one; usually none.
      telling: [P] the rules that give the right sentence the words in which it differs;
        all of its rules if it only lacks words.
    """

    names: tuple[str, ...] = ()
    sentences: tuple[tuple[str, str], ...] = ()
    right: tuple[Derivations, ...] = ()
    wrong: tuple[Derivations, ...] = ()
    telling: tuple[tuple[Rule, ...], ...] = ()

    def table(self, wide: int, none: int) -> Int[np.ndarray, "P 2 derivations rules"]:
        """The rules of every derivation as numbers a W + w.

        Args:
          wide: W, alternatives of a non-terminal.
          none: the number that stands for no rule, and as the first one of a derivation
            for no derivation.
        """
        both = [self.right, self.wrong]
        most = max((len(d) for side in both for d in side), default=1)
        length = max((len(r) for side in both for d in side for r in d), default=1)
        found = np.full((len(self.names), 2, most, length), none, np.int32)
        for side, every in enumerate(both):
            for pair, derivations in enumerate(every):
                own = _table(derivations, wide, none)
                found[pair, side, : len(own), : own.shape[1]] = own
        return found

    def telling_table(self, wide: int, none: int) -> Int[np.ndarray, "P rules"]:
        """The telling rules as numbers a W + w, as in `table`."""
        return _table(self.telling, wide, none)


def _table(
    sets: Sequence[Sequence[Rule]], wide: int, none: int
) -> Int[np.ndarray, "sets rules"]:
    """The rules of each set as numbers a W + w, then `none`."""
    length = max((len(one) for one in sets), default=1)
    found = np.full((len(sets), length), none, np.int32)
    for row, rules in zip(found, sets, strict=True):
        row[: len(rules)] = [a * wide + w for a, w in rules]
    return found


def pairs_of(name: str, written: Notation, most: int) -> MinimalPairs:
    """The minimal pairs of a grammar's templates.

    Args:
      name: of the file, for messages.
      written: the grammar.
      most: pairs of a template; of more combinations of words so many are chosen at
        random, always the same.

    Raises:
      DataError: for a template that makes no minimal pair; names the line.
    """
    parse = _Parser(written)
    rows = list[tuple[Any, ...]]()
    for template in written.templates:
        where = f"{name}: line {template.line}"
        for right, wrong in _filled(where, written, template, most):
            if right == wrong:
                raise DataError(f"{where}: {right!r} is both right and wrong")
            found = parse.derivations(where, right)
            if not found:
                raise DataError(
                    f"{where}: the grammar has no sentence {right!r}; the right one "
                    "stands before the /"
                )
            other = parse.derivations(where, wrong)
            telling = {r for one in found for r in parse.telling(one, wrong)}
            own = (template.name, (right, wrong), found, other)
            rows.append((*own, tuple(sorted(telling))))
    if not rows:
        return MinimalPairs()
    return MinimalPairs(*map(tuple, zip(*rows, strict=True)))


def _filled(
    where: str, written: Notation, template: Template, most: int
) -> Iterator[tuple[str, str]]:
    """The right and the wrong sentence for combinations of words."""
    slots = [[s for s in side if isinstance(s, str)] for side in template[1:3]]
    if len(slots[0]) != len(slots[1]):
        raise DataError(f"{where}: give both sentences as many non-terminals")
    for symbol in (s for side in slots for s in side):
        if not all(
            isinstance(s, Word) for side, _ in written.rules[symbol] for s in side
        ):
            raise DataError(f"{where}: {symbol} is more than words; write them instead")
    sizes = [
        min(len(written.rules[a]), len(written.rules[b]))
        for a, b in zip(*slots, strict=True)
    ]
    total = math.prod(sizes)
    if total > 2**62:
        raise DataError(f"{where}: has too many combinations of words; name some")
    chosen = np.arange(min(total, most))
    if total > most:
        chosen = np.random.default_rng(0).choice(total, most, replace=False)
    for combination in sorted(chosen):
        numbers = [int(k) for k in np.unravel_index(combination, sizes or [1])]
        yield tuple(  # type: ignore[misc]
            _sentence(written, side, iter(numbers)) for side in template[1:3]
        )


def _sentence(written: Notation, symbols: Symbols, numbers: Iterator[int]) -> str:
    words = [
        (s,) if isinstance(s, Word) else written.rules[s][next(numbers)][0]
        for s in symbols
    ]
    return " ".join(spelled(piece) for piece in words)


class _Parser:
    """All derivations of sentences, by spans of words."""

    def __init__(self, written: Notation) -> None:
        self.rules = {left: [s for s, _ in own] for left, own in written.rules.items()}
        self.number = {left: k for k, left in enumerate(written.rules)}
        self.start = written.start

    def telling(self, derivation: tuple[Rule, ...], wrong: str) -> list[Rule]:
        """The rules that give a sentence what is not at both ends of another, too."""
        rules, words, of = iter(derivation), list[str](), list[Rule]()
        left: list[tuple[str | Word, Rule]] = [(self.start, (0, 0))]
        while left:
            symbol, rule = left.pop()
            if isinstance(symbol, Word):
                words.append(symbol.text)
                of.append(rule)
                continue
            own = next(rules)
            side = self.rules[symbol][own[1]]
            left += [(one, own) for one in reversed(side)]
        begin = _alike(words, wrong.split())
        end = _alike(words[begin:][::-1], wrong.split()[begin:][::-1])
        return of[begin : len(of) - end] or list(derivation)

    def derivations(self, where: str, sentence: str) -> Derivations:
        """Every derivation of a sentence, each as its rules.

        Raises:
          DataError: if there are too many, or a symbol leads to itself.
        """
        words = tuple(sentence.split())

        @functools.cache
        def of(symbol: str, begin: int, end: int) -> tuple[tuple[Rule, ...], ...]:
            own = self.number[symbol]
            found = [
                ((own, w), *rest)
                for w, side in enumerate(self.rules[symbol])
                for rest in sequence(side, begin, end)
            ]
            if len(found) > _MOST_DERIVATIONS:
                raise DataError(
                    f"{where}: {sentence!r} has more than {_MOST_DERIVATIONS} "
                    "derivations; give a shorter sentence"
                )
            return tuple(found)

        @functools.cache
        def sequence(
            side: Symbols, begin: int, end: int
        ) -> tuple[tuple[Rule, ...], ...]:
            first, rest = side[0], side[1:]
            if isinstance(first, Word):
                if begin >= end or words[begin] != first.text:
                    return ()
                if not rest:
                    return ((),) if begin + 1 == end else ()
                return sequence(rest, begin + 1, end)
            if not rest:
                return of(first, begin, end)
            return tuple(
                (*one, *other)
                for middle in range(begin + 1, end - len(rest) + 1)
                for one in of(first, begin, middle)
                for other in sequence(rest, middle, end)
            )

        try:
            return of(self.start, 0, len(words))
        except RecursionError:
            raise DataError(
                f"{where}: a symbol of the grammar leads to itself alone; remove that"
            ) from None


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two sentences begin alike with."""
    pairs = zip(one, other, strict=False)
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
