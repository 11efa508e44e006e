"""Which tests are left to the gate (`full`) or to the weekly run (`slow`), by name.

The default tier answers in minutes. It has the exact properties, the conformance test
of every family, one law a mechanism, and one path through each command. What is listed
here says the same of more cases: other workflows, sizes, designs, rows. A test may also
carry the mark itself. Of long tables of cases only some run in every gate.
"""

import re

# regular expressions, searched in the names of tests
FULL = [
    # laws of every workflow and kind of row; one of each mechanism stays
    r"core/test_loop.py::test_mapped.*\[(?!replace-samples|accumulate-samples)",
    r"core/test_loop.py::test_chunks.*\[(?!replace-samples|fixed_budget-samples)",
    r"core/test_loop.py::test_workflows_for_fewer.*\[(?!accumulate\])",
    r"core/test_curation.py::.*\[(?!replace|accumulate)",
    r"core/test_curation.py::test_a_budget_of_complete",
    r"core/test_real_rows.py::.*\[(?!gaussian)",
    r"core/test_control.py::test_chunks",
    r"models/test_closed_forms.py::test_a_mixture_keeps",
    r"models/test_closed_forms.py::.*\[(?!replace-1-|accumulate-1-|replace\])",
    r"models/test_linear_closed_forms.py::(?!test_replace.*fixed-5-20|test_accumulate)",
    r"models/test_gmm_em.py::(?!.*sklearn|.*scikit|.*never_falls)",
    r"models/test_linear.py::.*(law|statistics)",
    r"models/test_linear_rows.py::.*(fresh|3-4|padded|row_more.*statistics)",
    r"models/test_decoding.py::test_(few_beams|a_text_goes_on|a_low_temperature)",
    r"models/test_kde.py::.*(silverman|scott|fixed-3|\[3|1500|accumulate)",
    r"models/test_discrete.py::.*(tokens)",
    r"models/test_training.py::(?!test_one_step)",
    r"models/test_language.py",
    r"models/test_transformer.py::.*(learned|untied|gelu|beyond_a_block)",
    r"models/test_gaussian.py::test_the_covariance_never",
    r"models/test_gmm.py::test_(kmeans_finds|seeds_are_drawn)",
    r"models/test_decoding.py::test_generation_with_a_cache.*\[(?!plain-learned)",
    r"measures/test_comparison.py::.*-40\]",
    r"measures/test_metrics.py::test_(exact|counted)_tail_mass.*(1pct|-3\])",
    r"numerics/test_multinomial.py::(?!test_multinomial)",
    r"measures/test_text_measures.py::(?!.*described)",
    r"numerics/test_kernels.py::.*(1e\+30|-1\.0-|\[2-)",
    r"theory/test_theory_(ridge|discrete|extinction|kde|limits).py",
    # commands: what they refuse and one path stay
    r"sims/test_mixing_command.py::test_(?!generation|what|the_command|shares)",
    r"sims/test_charlm_command.py::test_(?!bad_input|texts_are_kept)",
    r"sims/test_charlm_task.py",
    r"sims/test_linear_command.py::test_(?!a_run_on_real|the_error_on_held.*replace)",
    r"sims/test_linear_task.py",
    r"sims/test_explorer.py",
    r"sims/test_kde.py::test_(data|mixing|rows_that_are)",
    r"data/test_table_precision.py::test_(a_first_fit|regressors|samples)",
    r"lab/test_table_commands.py::test_python_reads",
    r"sims/test_kde_running.py::(?!.*known)",
    r"experiment/test_density_task.py::.*\[(?!2)",
    r"sims/test_generation_zero.py::test_the_first_fit_has.*\[(?!gaussian-[01]|linear-fixed)",
    r"sims/test_generation_zero.py::test_the_first_fit_is",
    r"sims/test_generation_zero.py::test_a_mixture.*(kde|linear|fixed|gaussian-0)",
    r"sims/test_discrete.py::test_(words|any_temp|smoothing|a_bias)",
    r"lab/test_stored.py::test_(?!.*traced|.*found|programs|a_function_put)",
    r"lab/test_stored.py::test_programs_of_a_family.*\[(?!discrete)",
    r"lab/test_refusals.py::test_nobody",
    r"lab/test_command_line.py::test_(real_data|a_figure_over|snapshots|axes|published|another|meas)",
    r"lab/test_complete.py::test_(more_seeds|large_states|seconds|only|what_was|a_run_is)",
    r"lab/test_reproduce.py::test_(check_uses|a_control_may|a_quick_run|what_cannot|one_claim)",
    r"lab/test_restored.py",
    r"lab/test_(killed|every_step|full_disk).py",
    r"lab/test_damaged.py::(?!test_every_bit_of_a_[ls])",
    r"lab/test_telling.py::test_(a_quick_run_says|a_signal_stops.*15)",
    r"lab/test_api.py::test_(a_model_of|the_best|what_ran|arrays|a_run_is_drawn|ratios)",
    r"test_mutation.py::test_a_(run_fails|test_that_fails)",
    r"lab/test_check_model.py::test_a_broken.*\[(?!(weights|key) ignored|numpy.random\]"
    r"|NaN\]|positions|state|float32|a branch|no diag|too many|params of another type)",
    r"lab/workers/test_workers.py",
    r"lab/workers/test_refused.py::test_(shards_of|a_scheduler)",
    r"lab/test_compare\w*.py::test_(weights_that|a_user_s_rows|workflow_objects|whole_numbers_of)",
    r"lab/test_own_files.py::test_a_fit_that_ignores",
    r"test_conformance.py::test_(chunks|every_metric|its_model).*charlm",
    r"test_conformance.py::test_its_model.*\[(gmm|discrete|linear|kde)",
    r"test_conformance.py::test_chunks.*replace-(gmm|kde)",
    r"sims/test_mixing_command.py::test_generation_0.*(fixed-0|fresh-1)",
    r"sims/test_mixing_names.py::test_their",
    r"sims/test_generation_zero.py::test_a_mixture_begins.*gaussian-1-fresh",
    r"sims/test_discrete.py::test_support_is_lost",
    r"lab/test_api.py::test_(data_may_be_a_path|against_theory)",
    r"experiment/test_source.py::test_other_source",
    r"test_documents.py::.*agrees",
    r"test_notebooks.py::test_it_runs",
    r"test_false_alarms.py::.*\[(?!8-2)",
]
WEEKLY = [
    r"core/test_curation.py::.*\[(window|replace_multiple|mix|anchored)",
    r"core/test_loop.py::.*(law|mixture)\]",
    r"models/test_linear.py::test_(precision|labels|the_twin)",
    r"models/test_closed_forms.py::test_a_label_names.*\[(?!replace)",
    r"models/test_kde.py::.*(scott|\[3|1500)",
    r"models/test_transformer.py::.*(untied|gelu)",
    r"models/test_linear_rows.py::.*fresh",
    r"models/test_linear_closed_forms.py::test_(minimum|fixed_and_fresh)",
    r"sims/test_charlm_task.py",
    r"sims/test_charlm_command.py::test_the_lowest",
    r"test_conformance.py::(test_chunks.*accumulate|test_its_model.*charlm)",
    r"sims/test_kde_running.py::test_(rows_may|chunks)",
    r"sims/test_generation_zero.py::test_the_first_fit_is",
    r"lab/test_command_line.py::test_real_data_run_without.*Gmm",
    r"lab/test_stored.py::test_programs_of_a_family.*\[(?!discrete)",
    r"sims/test_kde_running.py::test_other_rules.*(scott|silverman)",
    r"sims/test_mixing_command.py::test_(the_golden_ratio|a_price_has|long_runs.*fixed)",
    r"sims/test_explorer.py::test_the_numbers.*fixed",
    r"numerics/test_kernels.py::.*(1e\+30|\[2-)",
    r"sims/test_kde.py::test_data_need_no_bandwidth",
    r"test_conformance.py::test_chunks.*charlm",
    r"sims/test_mixing_command.py::test_(theory_of_the_best|the_same_rows|a_budget.*fixed)",
    r"sims/test_charlm_command.py::test_a_text_without_spaces",
    r"models/test_transformer.py::.*learned",
    r"models/test_linear_closed_forms.py::test_ridge_with_fixed.*(ar1-replace_m|ar1-acc)",
    r"data/test_table_precision.py::test_a_first_fit",
    r"sims/test_generation_zero.py::test_a_mixture_begins.*(kde|linear|fixed)",
    r"lab/test_api.py::test_(arrays_and|what_ran_before)",
    r"lab/test_compare.py::test_weights_that",
    r"models/test_language.py::test_a_fit_begins_anew",
    r"models/test_training.py::test_a_(few_rows|gradient_by)",
    r"lab/test_profile_run.py",
    r"lab/test_damaged.py::.*(truncated|000-000000.npz-flipped|experiment.toml-flipped)",
    r"lab/test_damaged.py::.*(\[summary|\[crossings|\[figure.png)",
    r"lab/test_full_disk.py::.*(figure|summary|SHA)",
    r"test_notebooks.py::test_it_runs\[01\]",
    r"test_pages.py::test_its_(commands_print|code.*(howto-python|README))",
    r"lab/workers/test_workers.py::test_a_command_that_is_stopped.*15",
]
# files of which the gate runs the default tier alone: what is full there is weekly
WEEKLY_FILES = [
    r"models/test_(linear|linear_rows|linear_closed_forms|gmm_em|gmm|kde)\.py",
    r"models/test_(training|language|decoding|transformer)\.py",
    r"core/test_(curation|real_rows)\.py",
    r"sims/test_(kde|discrete|linear_task|linear_command|kde_running)\.py",
]
_FULL = re.compile("|".join(f"(?:{pattern})" for pattern in FULL))
_FILES = re.compile("|".join(WEEKLY_FILES))
_WEEKLY = re.compile("|".join(f"(?:{pattern})" for pattern in WEEKLY))


def is_weekly(name: str) -> bool:
    """Whether a test, by its name, is left to the weekly run."""
    if _FILES.search(name) and is_full(name):
        return True
    return _WEEKLY.search(name) is not None


def is_full(name: str) -> bool:
    """Whether a test, by its name, is left to the full tier."""
    return _FULL.search(name) is not None
