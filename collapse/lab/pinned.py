"""The settings of jax that a run has, whatever the user's own are.

Bits of a run depend on its experiment alone, so each setting that a number may depend
on has one value as long as a run lasts. So do those under which a run would end in an
error that is none: `jax_debug_nans`, say, since a run counts what is not finite. What
changes no number (where programs are kept, what is logged) stays as it is.
"""

import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax

from collapse.data.errors import InputError, first_line

PINNED: dict[str, Any] = {
    # the generator, its variants, and what is added to every seed
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_threefry_gpu_kernel_lowering": False,
    "jax_enable_custom_prng": False,
    "jax_random_seed_offset": 0,
    "jax_high_dynamic_range_gumbel": False,
    "jax_legacy_prng_key": "allow",
    # precision, and types of results
    "jax_default_matmul_precision": None,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_explicit_x64_dtypes": "warn",
    "jax_allow_f16_reductions": True,
    "eager_constant_folding": False,
    # how a program is traced and compiled
    "jax_default_device": None,
    "jax_disable_jit": False,
    "jax_disable_most_optimizations": False,
    "jax_optimization_level": "UNKNOWN",
    "jax_memory_fitting_level": "O2",
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_effort": 0.0,
    "jax_compiler_enable_remat_pass": True,
    "jax_use_direct_linearize": True,
    "jax_softmax_custom_jvp": False,
    "jax_scan3": False,
    "jax_custom_vjp3": False,
    "jax_use_shardy_partitioner": True,
    "jax_use_magma": "auto",
    "jax_ragged_dot_use_ragged_dot_instruction": True,
    "jax_ragged_dot_use_gpu_pallas_triton_lowering": False,
    "jax_bcoo_cusparse_lowering": False,
    "jax_xla_profile_version": 0,
    "jax_enable_pgle": False,
    # checks that end a run which is to go on
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_debug_key_reuse": False,
    "jax_error_checking_behavior_nan": "ignore",
    "jax_error_checking_behavior_divide": "ignore",
    "jax_error_checking_behavior_oob": "ignore",
    "jax_check_static_indices": False,
    "jax_check_tracer_leaks": False,
    "jax_thread_guard": False,
    "jax_no_tracing": False,
    "jax_no_execution": False,
    "jax_transfer_guard": None,
    "jax_transfer_guard_host_to_device": None,
    "jax_transfer_guard_device_to_device": None,
    "jax_transfer_guard_device_to_host": None,
}
# flags of XLA that change where and what is run or written, and no number
_HARMLESS = re.compile(
    r"--xla_(dump_.+|force_host_platform_device_count|hlo_profile|gpu_cuda_data_dir)"
)
_FLAGS = ("XLA_FLAGS", "LIBTPU_INIT_ARGS")
_VARIABLES = ("JAX_PLATFORMS", "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "NPROC")
_LOOKING = ("jax_disable_jit",)  # a context of it looks into a model of one's own


def wanted(precision: str) -> dict[str, Any]:
    """Setting -> the value that a run has of it; those that this jax knows."""
    every = {"jax_enable_x64": precision == "float64", **PINNED}
    known = jax.config.values
    return {name: value for name, value in every.items() if name in known}


def elsewhere(names: Iterable[str]) -> dict[str, Any]:
    """Setting -> its value in threads that have no context of their own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_here, names).result()


def configure(settings: Mapping[str, Any]) -> None:
    """Change settings of all threads."""
    for name, value in settings.items():
        jax.config.update(name, value)


def check_contexts(names: Iterable[str]) -> None:
    """Raise InputError for a context of this thread, stronger than any setting.

    Raises:
      InputError: names the setting.
    """
    own, others = _here(names), elsewhere(names)
    for name in set(names) - set(_LOOKING):
        if own[name] != others[name]:
            raise InputError(
                f"{name}: a context around this call sets {own[name]!r}, and a run has "
                f"{others[name]!r}; call it outside"
            )


def check_flags() -> None:
    """Raise InputError for flags of the compiler under which numbers may be others.

    Raises:
      InputError: names the variable and the flag.
    """
    for variable in _FLAGS:
        for flag in os.environ.get(variable, "").split():
            if not _HARMLESS.fullmatch(flag.split("=")[0]):
                raise InputError(
                    f"{variable}: under {flag} numbers may be others; drop it from the "
                    "environment"
                )


def check_devices() -> None:
    """Raise InputError if jax finds nothing to run on.

    Raises:
      InputError: names the variable that asks for what is not there.
    """
    try:
        jax.devices()
    except Exception as error:  # jax raises AssertionError for a GPU that is not there
        said = first_line(error).partition(" (set JAX_PLATFORMS")[0].rstrip(".")
        asked = os.environ.get("JAX_PLATFORMS")
        about = f"JAX_PLATFORMS: {asked!r}" if asked else "devices"
        raise InputError(
            f"{about}: jax has nothing to run on ({said}); give cpu, or unset it"
        ) from error


def surroundings() -> dict[str, Any]:
    """What else numbers may depend on, for a run's record: settings and variables."""
    variables = {name: os.environ.get(name) for name in (*_FLAGS, *_VARIABLES)}
    return {
        "jax_settings": {
            k: str(v) for k, v in _here(("jax_enable_x64", *PINNED)).items()
        },
        "variables": {name: value for name, value in variables.items() if value},
    }


def machine() -> str:
    """The kind of device that a run is computed on, in one line."""
    kinds = sorted({f"{one.platform} {one.device_kind}" for one in jax.devices()})
    kernels = os.environ.get("OPENBLAS_CORETYPE")
    return ", ".join([*kinds, *([f"OpenBLAS for {kernels}"] if kernels else [])])


def _here(names: Iterable[str]) -> dict[str, Any]:
    """Setting -> its value in this thread; those that this jax knows."""
    known = jax.config.values
    return {name: known[name] for name in names if name in known}
