"""A user's settings of jax change no number of a run, and are given back after it."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

import collapse
from collapse.data.errors import InputError
from collapse.lab import pinned, session

FIELDS = {"num_seeds": 3, "num_generations": 2, "workflows": ["replace"]}
FIELDS |= {"metrics": ["variance_ratio"], "precision": "float32", "seed": 2**40}
FOREIGN = {
    "jax_default_prng_impl": "rbg",
    "jax_threefry_partitionable": False,
    "jax_random_seed_offset": 7,
    "jax_default_matmul_precision": "bfloat16",
    "jax_disable_jit": True,
    "jax_debug_nans": True,
    "jax_transfer_guard": "disallow",
    "jax_no_execution": True,
    "jax_softmax_custom_jvp": True,
    "jax_legacy_prng_key": "error",
}
# what changes no number, because it logs, dumps, keeps files, speaks of other machines,
# or may only be set before the first array
HARMLESS = """
    check_vma jax2tf_associative_scan_reductions jax2tf_default_native_serialization
    jax_array_garbage_collection_guard jax_auto_pcast jax_backend_target
    jax_captured_constants_report_frames jax_captured_constants_warn_bytes
    jax_check_proxy_envs jax_compilation_cache_check_contents jax_compilation_cache_dir
    jax_compilation_cache_expect_pgle jax_compilation_cache_include_metadata_in_key
    jax_compilation_cache_max_size jax_compiler_detailed_logging_min_ops
    jax_cpu_collectives_implementation jax_cpu_enable_async_dispatch
    jax_cpu_get_global_topology_timeout_minutes jax_sort_devices_by_process_index
    jax_cpu_get_local_topology_timeout_minutes jax_cross_host_transfer_socket_address
    jax_cross_host_transfer_timeout_seconds jax_cross_host_transfer_transfer_size
    jax_cross_host_transport_addresses jax_cuda_visible_devices jax_debug_log_modules
    jax_disable_bwd_checks jax_disable_vmap_shmap_error jax_distributed_debug
    jax_disallow_mesh_context_manager jax_dump_ir_modes jax_dump_ir_to
    jax_embedded_constants_max_bytes jax_enable_checks jax_enable_compilation_cache
    jax_enable_preemption_service jax_enable_recoverability jax_enable_x64
    jax_experimental_unsafe_xla_runtime_errors jax_explain_cache_misses
    jax_export_calling_convention_version jax_export_ignore_forward_compatibility
    jax_force_dcn_cross_host_transfers jax_hlo_source_file_canonicalization_regex
    jax_include_debug_info_in_dumps jax_include_full_tracebacks_in_locations
    jax_log_checkpoint_residuals jax_log_compiles jax_logging_level
    jax_mock_gpu_topology jax_mutable_array_checks jax_num_cpu_devices
    jax_oneapi_visible_devices jax_pallas_enable_debug_checks jax_pallas_verbose_errors
    jax_persistent_cache_enable_xla_caches jax_persistent_cache_min_compile_time_secs
    jax_persistent_cache_min_entry_size_bytes jax_pgle_aggregation_percentile
    jax_pgle_profiling_runs jax_pjrt_client_create_options jax_platform_name
    jax_platforms jax_pprint_use_color jax_raise_persistent_cache_errors
    jax_refs_to_pins jax_remove_custom_partitioning_ptr_from_cache_key
    jax_remove_size_one_mesh_axis_from_type jax_rocm_visible_devices
    jax_send_traceback_to_runtime jax_serialization_version
    jax_share_binary_between_hosts jax_share_binary_between_hosts_timeout_ms
    jax_source_url_schema jax_traceback_filtering jax_traceback_in_locations_limit
    jax_tracer_error_num_traceback_frames jax_use_simplified_jaxpr_constants
    jax_xla_backend mock_num_gpu_processes
""".split()


def numbers():
    return collapse.run("gaussian", **FIELDS).dataset.variance_ratio.values


def test_foreign_settings_change_no_bit_of_a_run_and_are_given_back():
    here = numbers()
    before = dict(jax.config.values)
    try:
        for name, value in FOREIGN.items():
            jax.config.update(name, value)
        set_by_user = dict(jax.config.values)
        found = numbers()
        assert dict(jax.config.values) == set_by_user
    finally:
        for name in FOREIGN:
            jax.config.update(name, before[name])
    np.testing.assert_array_equal(here, found)


def test_every_setting_of_jax_is_pinned_or_known_to_change_no_number():
    """A setting that a new version of jax has belongs to one of the two lists."""
    known = {*pinned.PINNED, *HARMLESS}  # some appear with the module that has them
    assert not set(jax.config.values) - known
    assert {*pinned.PINNED} <= set(jax.config.values)
    assert not {*pinned.PINNED} & {*HARMLESS}


def test_pinned_values_are_what_jax_has_without_any_environment():
    """So that pinning changes no number of earlier results."""
    code = (
        "import jax; from collapse.lab import pinned\n"
        "before = dict(jax.config.values); pinned.configure(pinned.PINNED)\n"
        "assert dict(jax.config.values) == before\n"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "XLA"))}
    subprocess.run([sys.executable, "-c", code], check=True, env=clean, timeout=60)


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (lambda: jax.enable_x64(False), "jax_enable_x64: a context around this call"),
        (
            lambda: jax.threefry_partitionable(False),
            "jax_threefry_partitionable: a con",
        ),
        (lambda: jax.default_prng_impl("rbg"), "jax_default_prng_impl: a context"),
        (lambda: jax.default_matmul_precision("bfloat16"), "matmul_precision: a cont"),
        (lambda: jax.debug_nans(True), "jax_debug_nans: a context"),
    ],
)
def test_a_context_that_is_stronger_than_settings_is_refused(context, said):
    before = dict(jax.config.values)
    with context(), pytest.raises(InputError, match=said) as caught:
        with session.configured("float64", keep_programs=False):
            pass
    assert str(caught.value).endswith("; call it outside")
    assert dict(jax.config.values) == before


def test_without_compilation_a_model_of_one_s_own_can_be_looked_into():
    with jax.disable_jit(), session.configured("float64", keep_programs=False):
        assert jax.config.jax_disable_jit


@pytest.mark.parametrize(
    ("flags", "bad"),
    [
        ("--xla_cpu_enable_fast_math=true", "--xla_cpu_enable_fast_math=true"),
        ("--xla_dump_to=/tmp --xla_gpu_autotune_level=0", "--xla_gpu_autotune_level=0"),
        ("--xla_force_host_platform_device_count=2 --xla_dump_to=/tmp", ""),
        ("", ""),
    ],
)
def test_flags_of_the_compiler_that_change_numbers_are_refused(monkeypatch, flags, bad):
    monkeypatch.setenv("XLA_FLAGS", flags)
    if not bad:
        return pinned.check_flags()
    with pytest.raises(InputError, match=f"^XLA_FLAGS: under {bad} numbers may be oth"):
        pinned.check_flags()


def test_flags_for_tpus_are_looked_at_too(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/tmp")
    monkeypatch.setenv("LIBTPU_INIT_ARGS", "--xla_tpu_enable_latency_hiding=true")
    with pytest.raises(InputError, match="^LIBTPU_INIT_ARGS: under --xla_tpu_enable_l"):
        pinned.check_flags()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("JAX_PLATFORMS", "foo", "error: JAX_PLATFORMS: 'foo': jax has nothing to run"),
        ("JAX_ENABLE_X64", "foo", "error: jax cannot be loaded (invalid truth value"),
    ],
)
def test_an_environment_without_devices_ends_in_one_line(tmp_path, name, value, said):
    command = [sys.executable, "-m", "collapse.sims.gaussian", "--out", "a"]
    environment = os.environ | {name: value}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said) and done.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_the_record_of_a_run_names_what_its_numbers_may_depend_on(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    with session.configured("float32", keep_programs=False):
        told, machine = pinned.surroundings(), pinned.machine()
    assert told["jax_settings"]["jax_default_prng_impl"] == "threefry2x32"
    assert told["jax_settings"]["jax_enable_x64"] == "False"
    assert told["variables"]["OPENBLAS_CORETYPE"] == "Haswell"
    assert machine == "cpu cpu, OpenBLAS for Haswell"
