"""The words of the small English-like language, the most frequent of a kind first."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Lexeme(NamedTuple):
    """What the grammar knows of a word.

    Attributes:
      kind: its class: `det`, `noun`, `prep`, `that`, `ever`, `and`, `refl`, `polar`, or
        that of a verb: `alone`, `object`, `self` or `also`, by what follows it.
      plural: of nouns, verbs and reflexive pronouns.
      gender: `m`, `f` or `n` of nouns, and of reflexive pronouns in the singular.
      negative: of `no`, and of `ever` and `either`, which need it.
    """

    kind: str
    plural: bool = False
    gender: str = ""
    negative: bool = False


VERBS = ("alone", "object", "self", "also")
# singular, plural, gender
NOUNS: Sequence[tuple[str, str, str]] = (
    ("boy", "boys", "m"),
    ("dog", "dogs", "n"),
    ("girl", "girls", "f"),
    ("king", "kings", "m"),
    ("cat", "cats", "n"),
    ("queen", "queens", "f"),
    ("uncle", "uncles", "m"),
    ("bird", "birds", "n"),
    ("aunt", "aunts", "f"),
    ("man", "men", "m"),
    ("fox", "foxes", "n"),
    ("lady", "ladies", "f"),
)
# in the singular; in the plural without the ending
_SINGULAR: Mapping[str, Sequence[str]] = {
    "alone": ("sleeps", "sings", "runs", "waits", "barks", "smiles"),
    "object": ("sees", "likes", "knows", "helps", "calls"),
    "self": ("hurts", "hides", "blames", "washes"),
    "also": ("agrees", "comes", "stays", "cares"),
}
PREPOSITIONS = ("near", "by", "with")
REFLEXIVES = {"m": "himself", "f": "herself", "n": "itself", "": "themselves"}


def _plural(verb: str) -> str:
    return verb.removesuffix("es" if verb.endswith("shes") else "s")


# kind -> singular and plural of each verb
FORMS: Mapping[str, Sequence[tuple[str, str]]] = {
    kind: tuple((verb, _plural(verb)) for verb in verbs)
    for kind, verbs in _SINGULAR.items()
}
LEXICON: Mapping[str, Lexeme] = {
    "the": Lexeme("det"),
    "no": Lexeme("det", negative=True),
    "that": Lexeme("that"),
    "and": Lexeme("and"),
    "ever": Lexeme("ever", negative=True),
    "either": Lexeme("polar", negative=True),
    "too": Lexeme("polar"),
    **{word: Lexeme("prep") for word in PREPOSITIONS},
    **{
        word: Lexeme("noun", word == several, gender)
        for one, several, gender in NOUNS
        for word in (one, several)
    },
    **{
        word: Lexeme(kind, word == several)
        for kind, forms in FORMS.items()
        for one, several in forms
        for word in (one, several)
    },
    **{word: Lexeme("refl", not gender, gender) for gender, word in REFLEXIVES.items()},
}
