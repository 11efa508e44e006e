"""Text as rows of tokens: blocks of running text, or responses behind their prompts."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import transformers
from jaxtyping import Int

from collapse.data.errors import DataError, InputError, first_line
from collapse.data.text import files as text_files
from collapse.data.text.split import load_text, spaced
from collapse.data.words import why_no_words
from collapse.sims.hf import extra
from collapse.sims.hf.fields import HfFields
from collapse.sims.hf.pairs import PARTS, Pair, pairs_of, parts_of

_LEAST_ROOM = (
    8  # tokens of a row for its response; prompts that leave less are not used
)
_CHAT = "chat"


class TokenRows(NamedTuple):
    """Rows of tokens, of which some are learned; arrays of NumPy or of jax.

    Attributes:
      tokens: [n, length]; what follows the end of a row is never looked at.
      first: [n] position of the first token whose loss counts; those before are the
        prompt.
      end: [n] number of tokens. The end token, where a row has one, is the last.
    """

    tokens: Any
    first: Any
    end: Any


class HfData(NamedTuple):
    """A text in three parts, as rows of tokens.

    Attributes:
      rows: of the training part.
      validation: of the part that selects the best weights.
      test: of the part that is only measured on.
      texts: what is learned of each part: its text, or its responses, joined.
      blocks: what is learned of each training row, as text.
      sha256: of the files of data and model, and of how they are read.
      said: what was read, in a line.
      wordless: why measures of words are left out; empty where they are not.
    """

    rows: TokenRows
    validation: TokenRows
    test: TokenRows
    texts: tuple[str, ...]
    blocks: tuple[str, ...]
    sha256: str
    said: str
    wordless: str

    @property
    def train(self) -> Int[np.ndarray, "rows length"]:
        """Tokens of the training rows."""
        return self.rows.tokens


def tokenizer_of(model: str) -> Any:
    """The tokenizer of a model.

    Raises:
      InputError: if there is none, or it has no end token.
    """
    return _tokenizer(model, extra.stamp(model))


@functools.lru_cache(maxsize=2)
def _tokenizer(model: str, stamp: tuple[Any, ...]) -> Any:
    """The tokenizer, read once for files of one stamp."""
    del stamp
    transformers.logging.set_verbosity_error()
    try:
        found = transformers.AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise InputError(
            f"model: {model}: no tokenizer can be read ({first_line(error)}); give a "
            "local folder with tokenizer files"
        ) from None
    if found.eos_token_id is None:
        raise InputError(f"model: {model}: its tokenizer has no end token; set one")
    return found


def load(experiment: HfFields) -> HfData:
    """The rows that an experiment names.

    Raises:
      InputError: if the data cannot be used, or with this model.
    """
    e = experiment
    paths = [p for part in parts_of(e.data) for p in part] if e.of_responses else []
    names = [str(path) for path in paths] or [e.data]
    stamps = tuple(stamp for name in names for stamp in text_files.stamp(name))
    how = (e.model, e.data, e.of_responses, e.field, e.prompt_field, e.response_field)
    return _load(*how, e.template, e.block, e.length, (stamps, extra.stamp(e.model)))


@functools.lru_cache(maxsize=2)
def _load(
    model: str,
    data: str,
    of_responses: bool,
    field: str,
    prompt_field: str,
    response_field: str,
    template: str,
    block: int,
    length: int,
    stamps: tuple[Any, ...],
) -> HfData:
    tokenizer = tokenizer_of(model)
    if of_responses:
        fields = {prompt_field: "--prompt-field", response_field: "--response-field"}
        pairs, digest = pairs_of(parts_of(data), fields)
        read = functools.partial(_responses, tokenizer, template, length)
        parts = [read(part, name) for part, name in zip(pairs, PARTS, strict=True)]
        rows, kept, lost = zip(*parts, strict=True)
        texts: tuple[str, ...] = tuple("\n\n".join(some) for some in kept)
        blocks, sizes = tuple(kept[0]), [len(part) for part in kept]
        how: tuple[Any, ...] = (prompt_field, response_field, template, length)
        said = f"{data}: {_count(sizes, 'responses')}"
        if sum(lost):
            said += f"; {sum(lost)} left out, whose prompt fills --length {length}"
    else:
        text = load_text(data, "keep", field)
        texts, digest = (text.train, text.validation, text.test), text.sha256
        every = [
            _cut(tokenizer, t, n, block) for t, n in zip(texts, PARTS, strict=True)
        ]
        rows = tuple(map(_whole, every))
        blocks = tuple(tokenizer.batch_decode(every[0]))
        how = (field, block)
        said = (
            f"{text.summary}; {_count([len(x) for x in every], f'blocks of {block}')}"
        )
    del stamps
    about = f"{digest} {extra.fingerprint(model)} {how}"
    sha256 = hashlib.sha256(about.encode()).hexdigest()
    wordless = why_no_words(texts[0])
    if wordless:
        said += f"; {wordless}: measures of words are left out"
    train, validation, test = rows
    own = (texts, blocks, sha256, said, wordless)
    return HfData(train, validation, test, *own)


# Running text


def _cut(tokenizer: Any, text: str, part: str, block: int) -> Int[np.ndarray, "n b"]:
    """The tokens of a text [blocks, block], without the rest at its end.

    Raises:
      DataError: if it is shorter than one block.
    """
    # Shumailov et al. tokenize line by line, with a token before each; here blocks are
    # what a reader of the text sees
    tokens = tokenizer(text, add_special_tokens=False, verbose=False).input_ids
    count = len(tokens) // block
    if not count:
        raise DataError(
            f"data: the {part} part has {len(tokens)} tokens, fewer than a block of "
            f"{block}; give more text or a smaller --block"
        )
    return np.array(tokens[: count * block], np.int32).reshape(count, block)


def _whole(tokens: Int[np.ndarray, "n block"]) -> TokenRows:
    """Rows of which everything is learned."""
    num, block = tokens.shape
    return TokenRows(tokens, np.zeros(num, np.int32), np.full(num, block, np.int32))


# Responses


def _responses(
    tokenizer: Any, template: str, length: int, pairs: Sequence[Pair], part: str
) -> tuple[TokenRows, list[str], int]:
    """Rows whose response and end token are learned, and how many were left out.

    Raises:
      DataError: if none are left.
    """
    before = _template(tokenizer, template)
    tokens, first, end, kept = [], [], [], []
    for prompt, response in pairs:
        begin = before(prompt)
        if len(begin) > length - _LEAST_ROOM:
            continue
        answer = tokenizer(response, add_special_tokens=False, verbose=False).input_ids
        row = [*begin, *answer, tokenizer.eos_token_id][:length]
        tokens.append(np.array(row + [0] * (length - len(row)), np.int32))
        first.append(len(begin))
        end.append(len(row))
        kept.append(response)
    if not kept:
        raise DataError(
            f"data: every prompt of the {part} part fills --length {length}; give more"
        )
    rows = TokenRows(
        np.stack(tokens), np.array(first, np.int32), np.array(end, np.int32)
    )
    return rows, kept, len(pairs) - len(kept)


def _template(tokenizer: Any, template: str) -> Callable[[str], list[int]]:
    """Function from a prompt to the tokens that its response follows.

    Raises:
      InputError: for a template without a place for the prompt, or no chat template.
    """
    if template == _CHAT:
        if not tokenizer.chat_template:
            raise InputError(
                "template: this tokenizer has no chat template; give one with {prompt}"
            )
        return lambda prompt: tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            add_generation_prompt=True,
            return_dict=False,
        )
    if "{prompt}" not in template:
        raise InputError(f"template: {template!r} has no {{prompt}}; put it in")

    def written(prompt: str) -> list[int]:
        return tokenizer(template.replace("{prompt}", prompt), verbose=False).input_ids

    return written


def _count(sizes: Sequence[int], what: str) -> str:
    """`800 responses to train on, 100 for validation and 100 for testing`."""
    train, validation, test = map(spaced, sizes)
    return (
        f"{train} {what} to train on, {validation} for validation and {test} for "
        "testing"
    )
