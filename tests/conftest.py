"""What every test runs under: CPU, strict promotion, two devices, one root key.

Environment:
  COLLAPSE_TEST_X64=0          float32 throughout; tests marked x64 are skipped.
  COLLAPSE_TEST_TYPES=0        signatures are not checked at run time.
  COLLAPSE_TEST_SEED=7         another root key than the gate's. A failure under it is
                               answered by more samples or a fix, never another seed.
  HYPOTHESIS_PROFILE=weekly    500 random examples a property, not 30 fixed ones.
"""

import functools
import gc
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from types import CodeType

# before jax, matplotlib or anything of ours is imported
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("COLLAPSE_CACHE", "off")  # the user's own folder is left alone
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as collapse.sims does
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # loading from the cache is noisy

import hypothesis
import jax
import jaxtyping
import pytest
from false_alarms import (  # noqa: F401
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from tiers import is_full, is_weekly

from collapse.core.devices import use_all_cores
from collapse.experiment import sources
from collapse.lab import cache

X64 = os.environ.get("COLLAPSE_TEST_X64", "1") != "0"
SEED = int(os.environ.get("COLLAPSE_TEST_SEED", "0"))

jax.config.update("jax_enable_x64", X64)
jax.config.update("jax_num_cpu_devices", 2)  # before the first array
use_all_cores()  # more threads than devices: without them two devices can deadlock
# Programs are compiled once for both workers, and kept for the next run of the tests.
_kept = Path(__file__).parents[1] / ".pytest_cache" / "compiled" / cache.key() / "xla"
cache.prune(_kept.parents[1])
jax.config.update("jax_compilation_cache_dir", str(_kept))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# Shapes and dtypes in signatures are checked whenever a function is called or traced.
if os.environ.get("COLLAPSE_TEST_TYPES", "1") != "0":
    rooms = ("numerics", "core", "models", "measures")
    jaxtyping.install_import_hook(
        [f"collapse.{room}" for room in rooms], "beartype.beartype"
    )

# deadlines would time the compilation
gc.set_threshold(200_000, 100, 1000)  # as in `runner.main`
hypothesis.settings.register_profile(
    "dev", max_examples=30, derandomize=True, deadline=None
)
hypothesis.settings.register_profile(
    "weekly", max_examples=500, deadline=None, print_blob=True
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_report_header() -> str:
    profile = hypothesis.settings.get_current_profile_name()
    bits = 64 if X64 else 32
    return f"jax {jax.__version__}, float{bits}, seed {SEED}, hypothesis {profile}"


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses among them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is statistical, and skip what needs float64 when there is none."""
    for item in items:
        if uses_calibrated(inspect.unwrap(item.obj), set()):
            item.add_marker("statistical")
        if is_full(item.nodeid):
            item.add_marker("full")
        if is_weekly(item.nodeid):
            item.add_marker("slow")
        if item.get_closest_marker("x64") and not X64:
            item.add_marker(pytest.mark.skip(reason="needs float64"))


def uses_calibrated(function: Callable, seen: set[Callable]) -> bool:
    """Whether a test, or a function of its module that it calls, asserts on a law."""
    seen.add(function)
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    for name in names_in(inner.__code__):
        value = inner.__globals__.get(name)
        if name == "calibrated" or getattr(value, "__module__", None) == "calibrated":
            return True
        if inspect.isfunction(value) and value.__module__ == inner.__module__:
            if value not in seen and uses_calibrated(value, seen):
                return True
    return False


def names_in(code: CodeType) -> set[str]:
    """Names that a function looks up, those of the functions inside it included."""
    nested = [names_in(const) for const in code.co_consts if inspect.iscode(const)]
    return set(code.co_names).union(*nested)


@pytest.fixture(scope="session")
def root() -> jax.Array:
    """The root key of all randomness in a test."""
    return jax.random.key(SEED)


@pytest.fixture(autouse=True, scope="session")
def _committed():
    """Let tests publish figures from sources that are being worked on."""
    with pytest.MonkeyPatch.context() as patch:
        # no function of Python: where one of the package is replaced nothing is cached
        patch.setattr(sources, "commit", functools.partial(str, "0" * 40))
        yield
