"""Whole compiled programs on disk: a second run neither traces nor compiles them.

A program is found by the digest of the function that it was traced from
(`collapse.lab.fingerprint`), of the shapes that it takes, and of all that compiling
depends on: sources, versions, processor, settings, devices. Whatever cannot be named
so is compiled as always.
"""

import contextlib
import functools
import hashlib
import os
import pickle
import sys
import tempfile
import threading
import types
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax.experimental import serialize_executable

from collapse.lab import cache
from collapse.lab.fingerprint import Unknown, fingerprint, is_own, sources


class Kept(NamedTuple):
    """A function of arrays whose programs are kept on disk.

    Attributes:
      call: the function, as jax.jit would run it.
      program: of arguments -> what `call` calls for such; made now, if need be.
      shapes: of arguments -> of the result, without running or compiling anything.
    """

    call: Callable[..., Any]
    program: Callable[..., Callable[..., Any]]
    shapes: Callable[..., Any]


def kept(function: Any, *origin: Any) -> Kept:
    """A compiled function whose programs are kept, one for each form of its arguments.

    Args:
      function: of `jax.jit`.
      origin: all that the function was made from. Where that has no digest, or while no
        cache is in use, programs are compiled and not written to a file.
    """
    programs: dict[Any, Callable[..., Any]] = {}
    found: dict[Any, Any] = {}
    lock = threading.Lock()  # two threads may ask for the same program

    def program(*arguments: Any) -> Callable[..., Any]:
        if jax.config.jax_disable_jit:  # type: ignore[attr-defined]
            return function  # type: ignore[no-any-return]
        form = _form(arguments)
        with lock:
            if form not in programs:
                path = _path(origin, form, "program")
                loaded = None if path is None else _load_program(path)
                programs[form] = loaded or _compile(function, arguments, path)
            return programs[form]

    def call(*arguments: Any) -> Any:
        return program(*arguments)(*arguments)

    def shapes(*arguments: Any) -> Any:
        form = _form(arguments)
        if form not in found:
            path = _path(origin, form, "shapes")
            read = None if path is None else _read(path)
            if read is None:
                read = jax.eval_shape(function, *arguments)
                if path is not None:
                    _write(path, read)
            found[form] = read
        return found[form]

    return Kept(call, program, shapes)


def remembered(compute: Callable[[], Any], *origin: Any) -> Any:
    """What `compute()` returns, from disk if an earlier run has written it there.

    Args:
      compute: takes a while, and depends on nothing but `origin` and this package.
      origin: what the result is found by.
    """
    path = _path(origin, (), "value")
    if path is None:
        return compute()
    found = _read(path)
    if found is None:
        found = compute()
        _write(path, found)
    return found


def _form(arguments: Any) -> Any:
    """What jax tells programs of one function apart by."""

    def one(leaf: Any) -> tuple[Any, ...]:
        if isinstance(leaf, jax.ShapeDtypeStruct):  # of an array on certain devices
            return leaf.shape, leaf.dtype, False, leaf.sharding
        place = leaf.sharding if getattr(leaf, "committed", False) else None
        kind, weak = jax.typeof(leaf), getattr(leaf, "weak_type", False)
        return kind.shape, kind.dtype, weak, place

    leaves, tree = jax.tree.flatten(arguments)
    return tuple(one(leaf) for leaf in leaves), tree


def _path(origin: Any, form: Any, kind: str) -> Path | None:
    """The file of a program, or None if there is to be none."""
    place = cache.active()
    # of several processes each would find the program of another
    if place is None or jax.process_count() > 1:
        return None
    try:
        digest = fingerprint(origin, repr(form), kind, _surroundings())
    except (Unknown, OSError, RecursionError, UnicodeError):
        return None
    return place / f"{digest}.{kind}"


def _surroundings() -> tuple[Any, ...]:
    """All else that a program depends on: sources, versions, settings, devices.

    Raises:
      Unknown: as `sources`, or if a function of this package has been replaced.
    """
    _check_unchanged()
    flags = ("XLA_FLAGS", "NPROC", "JAX_PLATFORMS", "LIBTPU_INIT_ARGS")
    variables = {name: os.environ.get(name) for name in flags}
    devices = [f"{one.platform} {one.device_kind} {one.id}" for one in jax.devices()]
    devices.append(jax.devices()[0].client.platform_version)
    about = (cache.versions(), cache.processor(), settings(), variables, devices)
    return sources(), *about


def settings() -> dict[str, str]:
    """The settings of jax in this thread that a program may depend on, by name."""
    return {
        name: repr(getattr(jax.config, name, value))
        for name, value in sorted(jax.config.values.items())
        if "cache" not in name
    }


def _check_unchanged() -> None:
    """Raise Unknown where a user's function stands in one of this package's modules.

    Raises:
      Unknown: if one does.
    """
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] != "collapse":
            continue
        here = getattr(module, "__dict__", {})  # None where an import is refused
        for key, value in list(here.items()):
            inside = isinstance(value, type) and value.__module__ == name
            for one in (value, *vars(value).values()) if inside else (value,):
                made = _function(one)
                if made is None or made.__globals__ is here:
                    continue
                if not is_own(made, of_known=False):
                    raise Unknown(f"{name}.{key} has been replaced")


def _function(thing: Any) -> types.FunctionType | None:
    """The function that an attribute of a module or a class calls, if it is plain."""
    if isinstance(thing, staticmethod | classmethod | types.MethodType):
        thing = thing.__func__
    elif isinstance(thing, functools.partial):
        thing = thing.func
    elif isinstance(thing, property):
        thing = thing.fget
    elif not isinstance(thing, types.FunctionType | type | types.ModuleType):
        thing = getattr(thing, "__wrapped__", None)  # of jax.jit, of functools.cache
    if not isinstance(thing, types.FunctionType):
        return None
    made = str(thing.__globals__.get("__name__"))
    return None if made.startswith("namedtuple_") else thing


def _load_program(path: Path) -> Callable[..., Any] | None:
    """A program from its file, or None if that is missing or damaged."""
    content = _read(path)
    if content is None:
        return None
    _prepare()
    try:
        program: Callable[..., Any] = serialize_executable.deserialize_and_load(
            *content
        )
        return program
    except Exception:  # whatever XLA says of it: it is compiled again
        return None


def _compile(function: Any, arguments: Any, path: Path | None) -> Any:
    """A program, which is written to its file if it can be used elsewhere."""
    lowered = function.lower(*arguments)
    # a callback is an address in this process
    if path is None or "callback" in lowered.as_text():
        return lowered.compile()
    with cache.bypassed():
        program = lowered.compile()
    # no constants beside the program, and whatever else cannot be written
    with contextlib.suppress(
        NotImplementedError, ValueError, TypeError, AttributeError
    ):
        _write(path, serialize_executable.serialize(program))
    return program


def _prepare() -> None:
    """Load the linear algebra that programs call: tracing them would have done so."""
    jax.jit(jax.numpy.linalg.cholesky).lower(jax.ShapeDtypeStruct((1, 1), "float32"))


def _read(path: Path) -> Any:
    """The content of a file of `_write`; None if it is missing or damaged."""
    try:
        text = path.read_bytes()
        digest, packed = text[:32], text[32:]
        if hashlib.sha256(packed).digest() != digest:
            return None
        os.utime(path)  # used: not the next to be removed
        return pickle.loads(zlib.decompress(packed))
    except Exception:  # whatever a class says that has changed: it is made again
        return None


def _write(path: Path, content: Any) -> None:
    """Write a file, whole or not at all; a full or read-only disk is no error.

    Neither is content that only this process can name.
    """
    try:
        packed = zlib.compress(pickle.dumps(content), 1)
    except (pickle.PicklingError, AttributeError, TypeError, ValueError):
        return
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(packed).digest() + packed)
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
