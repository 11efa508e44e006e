"""Where compiled programs are kept, so that a command's second run starts at once.

Two kinds of files lie in one folder of the user: what XLA makes of a program (jax's own
persistent compilation cache, which any program of the same text finds again), and whole
programs with the shapes they take (`collapse.lab.stored`, found without tracing).

The environment variable COLLAPSE_CACHE names another folder, in which they get one of
their own; "off" or nothing keeps none. Only files that were written here are ever
removed. A program is never loaded by other versions, or on another kind of processor,
than those that made it. What is loaded is the machine code that was compiled, so
results have the same bits as without.
"""

import contextlib
import dataclasses
import functools
import hashlib
import os
import platform
import re
import stat
import sys
import threading
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jax
from jax.experimental.compilation_cache import compilation_cache

VARIABLE = "COLLAPSE_CACHE"
MOST_BYTES = 10**9  # of all files; the oldest are removed when a run begins
_BELOW = "collapse-programs"  # in a folder that may hold files of the user
_OURS = re.compile(
    r"[0-9a-f]{20}/(xla/.+-(cache|atime)|programs/.+\.(program|shapes|value|part))"
)
_LEAST_SECONDS = 0.1  # to compile; smaller programs are not worth a file
_FEATURES = (  # lines of /proc/cpuinfo, on x86, ARM and RISC-V
    ("vendor_id", "cpu family", "model", "model name", "stepping", "flags")
    + ("Features", "CPU implementer", "CPU architecture", "CPU part", "isa")
)
_PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "flax", "optax", "jaxtyping") + (
    "ml-dtypes",
    "opt-einsum",
    "model-collapse-lab",
)


@dataclasses.dataclass(frozen=True)
class Enabled:
    """A cache in use; as a context it gives jax's settings back at the end.

    Attributes:
      folder: where it lies, or None if none is in use.
      before: settings of jax that were changed, as they were.
      outer: folder of whole programs that was in use before.
    """

    folder: Path | None
    before: dict[str, Any]
    outer: Path | None = None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore every setting that was changed."""
        global _active
        if self.before:
            _active = self.outer
            _configure(self.before)


_active: Path | None = None
_lock, _bypassing = threading.Lock(), 0
_before_bypass: dict[str, Any] = {}


def enable(folder: str | Path | None = None) -> Enabled:
    """The cache that compiled programs are kept in from now on.

    Nothing is changed if the folder cannot be written by this user alone, or if jax has
    a compilation cache already, which the user chose, or which is in use here. That one
    is not used any more once there is to be none.

    Args:
      folder: that the user names; None for COLLAPSE_CACHE or the user's own cache
        folder, "" or "off" for no cache.
    """
    chosen = chosen_folder(folder)
    if chosen is None and _active is not None:
        return _changed(None, {"jax_compilation_cache_dir": None})
    if chosen is None or jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return Enabled(None, {})
    own = chosen / key()
    if not _writable(own / "xla") or not _writable(own / "programs"):
        return Enabled(None, {})
    prune(chosen)
    wanted = {
        "jax_enable_compilation_cache": True,
        "jax_compilation_cache_dir": str(own / "xla"),
        "jax_persistent_cache_min_compile_time_secs": _LEAST_SECONDS,
        "jax_persistent_cache_min_entry_size_bytes": -1,
        "jax_raise_persistent_cache_errors": False,
    }
    return _changed(own, wanted)


def active() -> Path | None:
    """The folder of whole programs, or None while no cache is in use."""
    return _active


@contextlib.contextmanager
def bypassed() -> Iterator[None]:
    """A context in which programs are compiled afresh.

    What XLA loads from a file cannot be written to another one. The setting is one for
    all threads, so that the first one in changes it and the last one out gives it back.
    """
    global _bypassing
    name = "jax_enable_compilation_cache"
    with _lock:
        if not _bypassing:
            _before_bypass[name] = getattr(jax.config, name)
            _configure({name: False})
        _bypassing += 1
    try:
        yield
    finally:
        with _lock:
            _bypassing -= 1
            if not _bypassing:
                _configure(_before_bypass)


def chosen_folder(folder: str | Path | None = None) -> Path | None:
    """The folder of all caches, or None where there is to be none.

    Args:
      folder: as in `enable`.
    """
    if folder is None:
        folder = os.environ.get(VARIABLE)
    if folder is not None:
        named = str(folder) not in ("", "off")
        return Path(folder).expanduser() / _BELOW if named else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return Path(base) / "collapse" if base else None
    if sys.platform == "darwin":
        return _home("Library", "Caches", "collapse")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base) / "collapse" if base else _home(".cache", "collapse")


def key() -> str:
    """Twenty hexadecimal digits that name the versions and the processor.

    They must be equal for a program to be loaded.
    """
    text = repr((versions(), processor()))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@functools.cache
def versions() -> tuple[str, ...]:
    """Python's version and those of the packages that programs are made by."""
    found = [f"python {platform.python_version()}"]
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):  # run from its source
            found.append(f"{name} {metadata.version(name)}")
    return tuple(found)


@functools.cache
def processor() -> str:
    """Kind of processor, with the features that compiled code may use."""
    found = [sys.platform, platform.machine(), platform.processor()]
    found.append(str(os.cpu_count()))
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in _FEATURES:
            found.append(" ".join(sorted(value.split())))
    return "\n".join(sorted(set(found)))


def prune(folder: Path, most: int = MOST_BYTES) -> None:
    """Remove the programs that were used longest ago, down to three quarters of `most`.

    Files that another process removes, or that cannot be removed, are passed over, and
    so is everything whose name is none that is given here.

    Args:
      folder: of all caches, as of `chosen_folder`.
      most: bytes.
    """
    found = []
    with contextlib.suppress(OSError):
        for path in folder.glob("*/*/*"):
            if not _OURS.fullmatch(path.relative_to(folder).as_posix()):
                continue
            with contextlib.suppress(OSError):
                state = path.lstat()
                if stat.S_ISREG(state.st_mode):
                    found.append((state.st_mtime, state.st_size, path))
    total = sum(size for _, size, _ in found)
    if total <= most:
        return
    for _, size, path in sorted(found, key=lambda one: one[0]):
        if total <= 0.75 * most:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size


def _changed(own: Path | None, wanted: dict[str, Any]) -> Enabled:
    """The cache of a folder, or none, once jax's settings are as wanted."""
    global _active
    before = {name: getattr(jax.config, name) for name in wanted}
    used = Enabled(own, before, _active)
    _configure(wanted)
    _active = own / "programs" if own else None
    return used


def _configure(settings: dict[str, Any]) -> None:
    """Change jax's settings; it looks at those of its cache only once unless told."""
    for name, value in settings.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def _writable(folder: Path) -> bool:
    """Whether a folder is there, or could be made, that this user alone can write to.

    A program is code: in a folder open to others it could be replaced by theirs.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid"):
            state = folder.stat()
            if state.st_uid != os.getuid() or state.st_mode & 0o022:
                return False
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _home(*parts: str) -> Path | None:
    try:
        return Path.home().joinpath(*parts)
    except RuntimeError:  # the process has no home folder
        return None
