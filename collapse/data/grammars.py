"""Probabilistic context-free grammars from files: rules as arrays, minimal pairs."""

import functools
import hashlib
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from collapse.data.encoding import decoded
from collapse.data.errors import DataError
from collapse.data.grammar_notation import Symbols, Word, parsed
from collapse.data.minimal_pairs import MinimalPairs, pairs_of
from collapse.data.text.split import spaced

SHIPPED = ("english",)
_LONGEST = 10_000.0  # rules of a sentence, on average


class WrittenGrammar(NamedTuple):
    """A grammar of A non-terminals, with at most W alternatives of at most K symbols.

    Attributes:
      train: [A, W] true share of each alternative, 0 where there is none.
      children: [A, W, K] the non-terminals of each, from the left; A stands for none.
      uses: [A] how often a sentence uses a non-terminal, on average.
      start: the non-terminal that sentences begin with.
      names: [A] of the non-terminals.
      right_sides: [A][W] what each alternative consists of.
      pairs: minimal pairs of sentences.
      sha256: of the file.
      said: what was read, in a line.
    """

    train: Float[np.ndarray, "A W"]
    children: Int[np.ndarray, "A W K"]
    uses: Float[np.ndarray, " A"]
    start: int
    names: tuple[str, ...]
    right_sides: tuple[tuple[Symbols, ...], ...]
    pairs: MinimalPairs
    sha256: str
    said: str = ""

    def sentence(self, rules: Int[np.ndarray, " length"]) -> str:
        """The words that a derivation leads to; ... where it is cut off.

        Args:
          rules: numbers a W + w of alternatives, each of the leftmost non-terminal that
            is left; A W at the end.
        """
        words, place = list[str](), 0
        left: list[str | Word] = [self.names[self.start]]
        while left:
            symbol = left.pop()
            if isinstance(symbol, Word):
                words.append(symbol.text)
            elif place >= len(rules) or rules[place] >= self.train.size:
                words.append("...")
            else:
                own, alternative = divmod(int(rules[place]), self.train.shape[1])
                left += reversed(self.right_sides[own][alternative])
                place += 1
        return " ".join(words)


def load_grammar(name: str, num_pairs: int) -> WrittenGrammar:
    """The grammar that `name` means, with its minimal pairs.

    Args:
      name: 'english', or a UTF-8 file in the notation of `grammar_notation`.
      num_pairs: at most, of each template.

    Raises:
      DataError: if it cannot be read, or is no grammar of sentences that end.
    """
    path = Path(name)
    if name in SHIPPED:
        path = Path(str(resources.files("collapse.data") / f"{name}.cfg"))
    elif not path.is_file():
        raise DataError(f"{name}: no such file; give a grammar as a file, or english")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror})") from None
    return _load(name, raw, num_pairs)


@functools.lru_cache(maxsize=4)
def _load(name: str, raw: bytes, num_pairs: int) -> WrittenGrammar:
    text = decoded(name, raw).removeprefix("\ufeff").replace("\r\n", "\n")
    written = parsed(name, text)
    names = tuple(written.rules)
    number = {symbol: k for k, symbol in enumerate(names)}
    wide = max(map(len, written.rules.values()))
    inner = [
        [[number[s] for s in symbols if isinstance(s, str)] for symbols, _ in own]
        for own in written.rules.values()
    ]
    most = max(1, *(len(one) for own in inner for one in own))
    shares = np.zeros((len(names), wide))
    children = np.full((len(names), wide, most), len(names), np.int32)
    for a, own in enumerate(written.rules.values()):
        shares[a, : len(own)] = [share for _, share in own]
        for w, one in enumerate(inner[a]):
            children[a, w, : len(one)] = one
    start = number[written.start]
    uses = _uses(name, names, shares, children, start)
    pairs = pairs_of(name, written, num_pairs)
    rules = int((shares > 0).sum())
    if rules == len(names):
        raise DataError(f"{name}: no symbol has alternatives; give one with |")
    said = (
        f"{name}: {spaced(rules)} rules of {len(names)} non-terminals, "
        f"{uses.sum():.1f} in a sentence on average, {len(pairs.names)} minimal pairs"
    )
    sides = tuple(tuple(side for side, _ in own) for own in written.rules.values())
    digest = hashlib.sha256(raw).hexdigest()
    return WrittenGrammar(
        shares, children, uses, start, names, sides, pairs, digest, said
    )


def _uses(
    name: str,
    names: tuple[str, ...],
    shares: Float[np.ndarray, "A W"],
    children: Int[np.ndarray, "A W K"],
    start: int,
) -> Float[np.ndarray, " A"]:
    """How often a sentence uses each non-terminal: those of a branching process.

    Raises:
      DataError: if sentences have no finite length on average.
    """
    num = len(names)
    mean = np.zeros((num, num + 1))  # non-terminals in an alternative of another
    for k in range(children.shape[2]):
        np.add.at(mean, (np.arange(num)[:, None], children[:, :, k]), shares)
    mean = mean[:, :num]
    growth = max(abs(np.linalg.eigvals(mean)))
    if growth < 1:
        uses = np.linalg.solve(np.eye(num) - mean.T, np.eye(num)[start])
    if growth >= 1 or uses.sum() > _LONGEST:
        own = names[int(np.argmax(np.diag(np.linalg.matrix_power(mean, num))))]
        raise DataError(
            f"{name}: sentences never end on average, by rules of {own}; make those "
            "rarer in which it comes back"
        )
    return uses
