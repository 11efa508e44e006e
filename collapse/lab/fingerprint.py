"""Digest of a function with everything that it holds: what its program depends on.

Two functions of one digest trace to the same program. Functions are followed through
what they close over, and through the globals they name where their module is neither
this package nor a package of known version; those are named in the digest by
`sources`. What cannot be followed has no digest, so its program is not kept.
"""

import dataclasses
import enum
import functools
import hashlib
import os
import struct
import sys
import time
import types
from pathlib import Path
from typing import Any

import jax
import numpy as np

from collapse.lab import cache

_KNOWN = {"jax", "jaxlib", "numpy", "scipy", "flax", "optax", "jaxtyping", "builtins"}
_PACKAGE = __name__.split(".")[0]
_LOADED = time.time()  # sources that are newer may not be those that run


class Unknown(Exception):
    """Something that cannot be followed."""


def fingerprint(*things: Any) -> str:
    """Hexadecimal digest of functions, arrays and plain values.

    Raises:
      Unknown: if one of them holds something that cannot be followed.
    """
    found = _Digest()
    found.add(things)
    return found.hash.hexdigest()


@functools.cache
def sources() -> str:
    """Digest of all files of this package, code and data.

    Raises:
      Unknown: if a file is newer than this process, which may then run another one.
    """
    found = hashlib.sha256()
    root = Path(__file__).parent.parent
    for path in sorted(root.rglob("*")):
        if path.suffix == ".pyc" or not path.is_file():
            continue
        if path.stat().st_mtime > _started():
            raise Unknown(f"{path} has been changed while in use")
        content = path.read_bytes()
        found.update(f"{path.relative_to(root)} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _started() -> float:
    """When this process began, in seconds since 1970, or when this module was loaded.

    The former where the system says it: Linux, to a hundredth of a second.
    """
    try:
        now = time.time()  # before the rest: rather too early than too late
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begun = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        age = float(Path("/proc/uptime").read_text().split()[0]) - begun
        return now - age - 0.05
    except (OSError, ValueError, IndexError, AttributeError):
        return _LOADED


class _Digest:
    """A running digest; things met before are named by their number."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.seen: dict[int, int] = {}
        self.kept: list[Any] = []  # alive, so that no id is given twice

    def add(self, thing: Any) -> None:
        """Take in a thing and all it holds."""
        kind = type(thing)
        if thing is None or thing is Ellipsis or kind in (bool, int, str, bytes):
            return self._write(kind.__name__, repr(thing))
        if kind in (float, complex):
            packed = struct.pack("<2d", complex(thing).real, complex(thing).imag)
            return self._write(kind.__name__, packed.hex())
        if id(thing) in self.seen:
            return self._write("again", str(self.seen[id(thing)]))
        self.seen[id(thing)] = len(self.seen)
        self.kept.append(thing)
        if isinstance(thing, jax.core.Tracer):
            raise Unknown("a traced value")
        if isinstance(thing, jax.Array):
            return self._add_array(thing)
        if isinstance(thing, np.ndarray | np.generic):
            array = np.asarray(thing)
            if array.dtype.hasobject:
                raise Unknown("an array of objects")
            self._write(kind.__name__, f"{array.dtype.descr} {array.shape}")
            return self.hash.update(np.ascontiguousarray(array).tobytes())
        if isinstance(thing, type):
            return self._add_name(thing)
        if isinstance(thing, enum.Enum):
            self._add_name(kind)
            return self._write("member", thing.name)
        if isinstance(thing, np.dtype | range | slice):
            return self._write(kind.__name__, repr(thing))
        if isinstance(thing, tuple | list):
            self._add_name(kind)
            return self._add_all(thing)
        if kind in (dict, types.MappingProxyType):
            self._write("dict", "")
            return self._add_all([x for item in thing.items() for x in item])
        if isinstance(thing, functools.partial):
            self._write("partial", "")
            return self._add_all([thing.func, thing.args, thing.keywords])
        if isinstance(thing, types.FunctionType):
            return self._add_function(thing)
        if isinstance(thing, types.MethodType):
            self._write("method", thing.__name__)
            return self._add_all([thing.__self__, thing.__func__])
        if isinstance(thing, types.BuiltinFunctionType | types.ModuleType):
            return self._add_name(thing)
        if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            self._add_name(kind)
            fields = dataclasses.fields(thing)
            return self._add_all([getattr(thing, field.name) for field in fields])
        if hasattr(thing, "__wrapped__"):  # by jax.jit and its like
            if not _is_known(getattr(thing, "__module__", "")):
                raise Unknown(f"{thing!r}: compiled in a module of the user's")
            self._add_name(kind)
            return self.add(thing.__wrapped__)
        raise Unknown(f"{kind.__module__}.{kind.__qualname__}")

    def _add_all(self, things: Any) -> None:
        things = list(things)
        self._write("length", str(len(things)))
        for thing in things:
            self.add(thing)

    def _add_array(self, array: Any) -> None:
        if jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key):
            self._write("key", str(jax.random.key_impl(array)))
            return self.add(np.asarray(jax.random.key_data(array)))
        about = f"{array.weak_type} {array.committed} {array.sharding!r}"
        self._write("jax", about)
        self.add(np.asarray(array))

    def _add_function(self, function: types.FunctionType) -> None:
        self._write("function", f"{function.__module__}.{function.__qualname__}")
        self._add_code(function.__code__)
        cells = []
        for cell in function.__closure__ or ():
            try:
                cells.append(cell.cell_contents)
            except ValueError:  # not assigned yet
                cells.append(None)
        self._add_all([function.__defaults__, function.__kwdefaults__, *cells])
        if _is_known(function.__module__):
            return
        for name in sorted(_names(function.__code__)):
            if name in function.__globals__:
                self._write("global", name)
                self.add(function.__globals__[name])

    def _add_code(self, code: types.CodeType) -> None:
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        self._write("code", f"{code.co_code.hex()} {names} {code.co_flags}")
        self._write("table", code.co_exceptiontable.hex())
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._add_code(constant)
            elif isinstance(constant, frozenset):
                self._write("frozenset", repr(sorted(map(repr, constant))))
            else:
                self.add(constant)

    def _add_name(self, thing: Any) -> None:
        """Something that a module of known version has under a name."""
        module = getattr(thing, "__module__", None) or ""
        if isinstance(thing, types.ModuleType):
            module, name = thing.__name__, ""
        else:
            name = thing.__qualname__
        if "<locals>" in name or not _is_known(module):
            raise Unknown(f"{module}.{name}")
        self._write("name", f"{module}.{name}")

    def _write(self, kind: str, text: str) -> None:
        self.hash.update(f"{kind}:{len(text)}:{text};".encode())


def _names(code: types.CodeType) -> set[str]:
    """Names that a function and those inside it look up."""
    nested = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*nested)


def _is_known(module: str | None) -> bool:
    """Whether a module's text is named by `sources` or by versions."""
    root = (module or "").split(".")[0]
    return root == _PACKAGE or root in _KNOWN or root in sys.stdlib_module_names


def surroundings() -> tuple[Any, ...]:
    """All else that a program depends on: sources, versions, settings, devices.

    Raises:
      Unknown: as `sources`.
    """
    settings = {
        name: repr(getattr(jax.config, name, value))  # of this thread, and here
        for name, value in sorted(jax.config.values.items())
        if "cache" not in name
    }
    flags = ("XLA_FLAGS", "NPROC", "JAX_PLATFORMS", "LIBTPU_INIT_ARGS")
    variables = {name: os.environ.get(name) for name in flags}
    devices = [f"{one.platform} {one.device_kind} {one.id}" for one in jax.devices()]
    about = (cache.versions(), cache.processor(), settings, variables, devices)
    return sources(), *about
