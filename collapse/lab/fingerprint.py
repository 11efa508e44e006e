"""Digest of a function with everything that it holds: what its program depends on.

Two functions of one digest trace to the same program. Functions are followed through
what they close over, and through the globals they name where their module is neither
this package nor a package of known version; those are named in the digest by
`sources`. What cannot be followed has no digest, so its program is not kept: among it
are imports inside a function of other modules, names looked up at run time, and files.

Not seen is what a user puts in the place of something in those packages, except for
a user's functions in place of this package's own. For others set COLLAPSE_CACHE=off.
"""

import dataclasses
import dis
import enum
import functools
import hashlib
import os
import struct
import sys
import sysconfig
import time
import types
from importlib import util
from pathlib import Path
from typing import Any

import jax
import numpy as np

_KNOWN = {"jax", "jaxlib", "numpy", "scipy", "flax", "optax", "jaxtyping", "builtins"}
_PACKAGE = __name__.split(".")[0]
_ROOT = Path(__file__).parent.parent
_RUN_TIME = {  # what these find is not told by the code that names them
    *("globals", "locals", "vars", "eval", "exec", "compile", "__import__"),
    *("importlib", "import_module", "__globals__", "__builtins__", "__dict__"),
    *("modules", "environ", "getenv", "open", "read_text", "read_bytes"),
    *("load", "loadtxt", "genfromtxt", "fromfile", "memmap"),
}
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


def sources() -> str:
    """Digest of all files of this package, code and data.

    Raises:
      Unknown: if a file is newer than this process, which may then run another one.
    """
    files, started = [], _started()
    for folder, _, names in os.walk(_ROOT):
        for name in names:
            if name.endswith(".pyc"):
                continue
            path = os.path.join(folder, name)
            state = os.stat(path)
            changed = max(state.st_mtime, state.st_ctime)
            if changed > started:
                raise Unknown(f"{path} has been changed while in use")
            files.append((path, changed))
    return _content(tuple(sorted(files)))


@functools.lru_cache(maxsize=1)
def _content(files: tuple[tuple[str, float], ...]) -> str:
    """Digest of files, which are read again only when one has changed."""
    found = hashlib.sha256()
    for name, _ in files:
        path = Path(name)
        content = path.read_bytes()
        found.update(f"{path.relative_to(_ROOT)} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _started() -> float:
    """When this process began, in seconds since 1970, or when this module was loaded.

    The former where the system says it: Linux, to a hundredth of a second. In some
    containers what it says lies in the future.
    """
    try:
        now = time.time()  # before the rest: rather too early than too late
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begun = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        age = float(Path("/proc/uptime").read_text().split()[0]) - begun
        return min(now - age - 0.05, _LOADED)
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
            return self._add_host_array(thing)
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
            return self._add_wrapped(thing)
        raise Unknown(f"{kind.__module__}.{kind.__qualname__}")

    def _add_all(self, things: Any) -> None:
        things = list(things)
        self._write("length", str(len(things)))
        for thing in things:
            self.add(thing)

    def _add_host_array(self, thing: Any) -> None:
        """Take in an array or a number of NumPy."""
        kind = type(thing)
        if isinstance(thing, np.ndarray) and kind is not np.ndarray:
            raise Unknown("an array of a kind that holds more")  # a mask
        array = np.asarray(thing)
        if array.dtype.hasobject:
            raise Unknown("an array of objects")
        self._write(kind.__name__, f"{array.dtype.descr} {array.shape}")
        self.hash.update(np.ascontiguousarray(array).tobytes())

    def _add_wrapped(self, thing: Any) -> None:
        """Take in what jax.jit or its like made of a function of the lab."""
        inner = thing.__wrapped__
        while not isinstance(inner, types.FunctionType):
            inner = getattr(inner, "__wrapped__", None)
            if inner is None:
                raise Unknown(f"{thing!r}: holds no function")
        if not is_own(inner):
            raise Unknown(f"{thing!r}: compiled in a module of the user's")
        self._add_name(type(thing))
        self.add(thing.__wrapped__)

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
        if is_own(function):
            return
        beside = {k: v for k, v in vars(function).items() if k != "__wrapped__"}
        self.add(beside)
        _check_lookups(function.__code__)
        for name in sorted(_names(function.__code__)):
            if name in function.__globals__:
                self._write("global", name)
                self.add(function.__globals__[name])

    def _add_code(self, code: types.CodeType) -> None:
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
        self._write("code", f"{code.co_code.hex()} {names} {counts} {code.co_flags}")
        self._write("table", code.co_exceptiontable.hex())
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._add_code(constant)
            elif isinstance(constant, frozenset):
                self._write("frozenset", repr(sorted(map(repr, constant))))
            else:
                self.add(constant)

    def _add_name(self, thing: Any) -> None:
        """Take in the name of something in a module of known version."""
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


def _check_lookups(code: types.CodeType) -> None:
    """Raise Unknown for a function that may find what its digest does not name.

    Raises:
      Unknown: if it, or a function inside it, does.
    """
    found = _RUN_TIME.intersection(code.co_names)
    if found:
        raise Unknown(f"{code.co_qualname} looks up {sorted(found)}")
    steps = [s for s in dis.get_instructions(code) if s.opname != "EXTENDED_ARG"]
    for i, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":  # after two constants: level, names
            level = steps[i - 2].argval if i > 1 else None
            if level != 0 or not _is_known(step.argval):
                raise Unknown(f"{code.co_qualname} imports {step.argval}")
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _check_lookups(constant)


def is_own(function: types.FunctionType, of_known: bool = True) -> bool:
    """Whether a function was made in a known module, whatever it calls itself.

    Args:
      function: of Python.
      of_known: one of any installed package is not enough.
    """
    name = function.__globals__.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    same = getattr(module, "__dict__", None) is function.__globals__
    return same and _is_known(name, of_known)


def _is_known(module: str | None, of_known: bool = True) -> bool:
    """Whether a module's text is named by `sources` or by versions."""
    root = (module or "").split(".")[0]
    if root in sys.builtin_module_names:
        return True
    named = root == _PACKAGE or root in _KNOWN or root in sys.stdlib_module_names
    if of_known and not named:
        return False
    if root in sys.modules:
        file = getattr(sys.modules[root], "__file__", None)
    else:  # its import is still to come
        spec = util.find_spec(root)
        file = spec.origin if spec and spec.has_location else None
    return file is not None and _is_at_home(root, file)


@functools.cache
def _is_at_home(root: str, file: str) -> bool:
    """Whether a file is that of the module of this name, not another of the user's."""
    place = Path(file).resolve()
    if root == _PACKAGE:
        return place.is_relative_to(_ROOT.resolve())
    installed = not {"site-packages", "dist-packages"}.isdisjoint(place.parts)
    if root not in sys.stdlib_module_names:
        return installed
    base = dict.fromkeys(("platbase", "installed_platbase"), sys.base_exec_prefix)
    homes = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib", vars=base)]
    homes.append(os.path.join(sys.base_exec_prefix, "DLLs"))  # on Windows
    inside = any(place.is_relative_to(Path(home).resolve()) for home in homes)
    return inside and not installed
