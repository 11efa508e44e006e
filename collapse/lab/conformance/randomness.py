"""Rules on keys: all that is random comes from them, and from nothing else."""

import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import scipy  # its parts are loaded when first used

from collapse.core.types import Batch
from collapse.data.errors import ModelError
from collapse.lab.conformance.trial import Trial
from collapse.lab.conformance.words import LEAKED, gap

_OTHER_NUMBERS = (
    "the same key gives other numbers the second time; take what is random from the "
    "key (collapse.draws, jax.random), not from numpy.random, and keep no state in a "
    "global"
)
_KEYS = 64  # samples whose order is looked at
_SURE = 7.0  # standard errors: 1e-9 for one column of a model that keeps the rule
_COLUMNS = 32  # of a batch, at most


def pure(trial: Trial) -> None:
    """The same key gives the same numbers, each time a function is traced."""
    for what, function, args in _calls(trial):
        one, other = (jax.make_jaxpr(_renewed(function))(*args) for _ in range(2))
        if any(isinstance(const, jax.core.Tracer) for const in one.consts):
            raise ModelError(f"{what}: {LEAKED}")
        if _told(one) == _told(other):
            continue
        first, second = (jax.jit(_renewed(function))(*args) for _ in range(2))
        if gap(first, second, 0) is not None:
            raise ModelError(f"{what}: {_OTHER_NUMBERS}")
    steady(trial)


def steady(trial: Trial) -> None:
    """The same program gives the same numbers from the same key."""
    start = trial.start(trial.real, trial.ones)
    again: dict[str, Callable[[], Batch]] = {
        "draw": lambda: trial.draw(7),
        "fit": lambda: trial.fit(trial.real, trial.ones, start),
        "sample": lambda: trial.sample(7),
    }
    for what, function in again.items():
        if not same(function(), function()):
            raise ModelError(f"{what}: {_OTHER_NUMBERS}")


def key_matters(trial: Trial) -> None:
    """Other keys give other samples."""
    if not same(trial.sample(7), trial.sample(8)):
        return
    raise ModelError(
        "sample: gives the same rows for every key, so that seeds coincide; draw from "
        f"the key: collapse.draws.uniform(key, (num,), params.dtype){_numpy(trial)}"
    )


def draw_matters(trial: Trial) -> None:
    """Other keys give other real rows, in an order that means nothing."""
    draw_varies(trial)
    _check_order("draw", jax.vmap(lambda key: trial.drawn(key, trial.num)))


def draw_varies(trial: Trial) -> None:
    """Other keys give other real rows."""
    if same(trial.draw(7), trial.draw(8)):
        raise ModelError(
            "draw: gives the same rows for every key, so that all seeds begin alike; "
            "draw from the key, or shuffle: rows[collapse.draws.shuffled(key, "
            "len(rows), num)]"
        )


def order(trial: Trial) -> None:
    """The first rows of a sample are a sample, since a workflow may take only those."""
    params = trial.params
    _check_order("sample", jax.vmap(lambda k: trial.sampled(k, params, trial.num)))


def once(trial: Trial) -> None:
    """A key is used once: what is drawn twice from it is the same twice."""
    for what, function, args in _calls(trial):
        try:
            with jax.debug_key_reuse(True):
                jax.jit(_renewed(function))(Trial.key(9), *args[1:])
        except jax.errors.KeyReuseError as error:
            raise ModelError(
                f"{what}: uses a key twice, so that two draws are the same numbers; "
                "split it: first, second = jax.random.split(key)"
            ) from error
    rows, real = columns(trial.sample(7)), columns(trial.real)
    if len(np.unique(rows, axis=0)) == 1 < len(np.unique(real, axis=0)):
        raise ModelError(
            "sample: all rows of a sample are the same; draw an array of num numbers, "
            "or give each row a key of its own"
        )
    if rows.shape != real.shape:
        return
    twins = _twins(rows) & ~_twins(real)
    if twins.any():
        i, j = (int(x) for x in np.argwhere(twins)[0])
        raise ModelError(
            f"sample: columns {i} and {j} are in exactly the same order, as if drawn "
            "from one key, and those of real rows are not; split the key, or draw one "
            "array of both"
        )


def _calls(trial: Trial) -> list[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    """Each function of the model with the arguments of a first generation."""
    rows, weights, num = trial.real, trial.ones, trial.num
    return [
        ("draw", lambda key: trial.drawn(key, num), (Trial.key(9),)),
        ("init", trial.begun, (Trial.key(9), rows, weights)),
        (
            "fit",
            trial.fitted,
            (Trial.key(9), trial.start(rows, weights), rows, weights),
        ),
        ("sample", lambda k, p: trial.sampled(k, p, num), (Trial.key(9), trial.params)),
    ]


def _renewed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function as another object, so that jax traces it again."""
    return lambda *args: function(*args)


def _told(program: Any) -> tuple[str, list[bytes]]:
    """Text of a traced program, without addresses, and its constants."""
    text = re.sub(r"0x[0-9a-f]+", "", str(program.jaxpr))
    consts = [c for c in program.consts if hasattr(c, "dtype")]
    plain = [
        c for c in consts if not jax.dtypes.issubdtype(c.dtype, jax.dtypes.extended)
    ]
    return text, [np.asarray(c).tobytes() for c in plain]


def _numpy(trial: Trial) -> str:
    """A hint where a sample changes with each tracing, though not with the key."""
    try:
        pure(trial)
    except ModelError:
        return ", not from numpy.random, whose numbers jax sees once"
    return ""


def same(one: Any, other: Any) -> bool:
    """Whether two trees hold the same numbers, NaN included."""
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in leaves)


def columns(batch: Batch) -> np.ndarray:
    """[rows, columns], the numbers of a batch, of many columns the first."""
    leaves = [np.asarray(x).reshape(len(x), -1) for x in jax.tree.leaves(batch)]
    return np.concatenate([x[:, :_COLUMNS].astype(float) for x in leaves], axis=1)


def _twins(rows: np.ndarray) -> np.ndarray:
    """[columns, columns], pairs of which one is a monotone function of the other."""
    ranks = scipy.stats.rankdata(rows, axis=0)
    varied = np.array([len(np.unique(column)) == len(column) for column in rows.T])
    ups = (ranks[:, :, None] == ranks[:, None, :]).all(0)
    downs = (ranks[:, :, None] == len(rows) + 1 - ranks[:, None, :]).all(0)
    pairs = varied[:, None] & varied[None]
    return np.triu((ups | downs) & pairs, 1)


def _check_order(what: str, sampler: Callable[[Any], Batch]) -> None:
    """Raise ModelError if the first half of a batch differs from the second in law.

    A t test, over keys, of the difference between the mean ranks of both halves.
    """
    keys = jax.random.split(Trial.key(10), _KEYS)
    found = jax.tree.map(np.asarray, jax.jit(sampler)(keys))
    batches = [columns(jax.tree.map(lambda x, i=i: x[i], found)) for i in range(_KEYS)]
    ranks = scipy.stats.rankdata(np.stack(batches), axis=1)
    half = ranks.shape[1] // 2
    gaps = ranks[:, half:].mean(1) - ranks[:, :half].mean(1)
    error = gaps.std(0, ddof=1) / np.sqrt(_KEYS)
    wrong = np.abs(gaps.mean(0)) > _SURE * error
    if wrong.any():
        raise ModelError(
            f"{what}: rows come in an order (column {int(wrong.argmax())} differs "
            "between the first and the second half), but the first k rows must be a "
            "sample of k: that is what a share of rows takes; shuffle them: "
            "rows[collapse.draws.shuffled(key, num, num)]"
        )
