"""Language models: one workflow in one cell, ready to run."""

import functools
from collections.abc import Mapping
from typing import Any

from collapse.data.text_blocks import TextRows, evenly, pretraining_rows
from collapse.experiment.workflow_spec import make_workflow
from collapse.lab import programs
from collapse.sims.charlm.experiment import CharlmExperiment
from collapse.sims.charlm.measures import observer

_VALIDATION_ROWS = 64
_MICROBATCH_NUMBERS = 2**17  # positions x width of a microbatch
_PRETRAINED: dict[Any, Any] = {}  # (text, network, training) -> weights


def setup(
    experiment: CharlmExperiment, cell: Mapping[str, Any], label: str, data: TextRows
) -> programs.Setup:
    """One workflow in one cell, ready to run."""
    import jax.numpy as jnp

    from collapse.core.types import Problem
    from collapse.models.language.model import Blocks
    from collapse.models.language.network import network

    n, temperature = cell["samples_per_generation"], cell["temperature"]
    config, train_config = (
        config_of(experiment, data),
        _train_config(experiment, label, cell),
    )
    net = network(config)
    values = (
        jnp.asarray(data.train),
        jnp.asarray(evenly(data.test, experiment.measured_rows)),
        jnp.asarray(evenly(data.validation, _VALIDATION_ROWS)),
        jnp.float32(temperature),
        jnp.float32(cell["repetition_penalty"]),
        pretrained(experiment, data) if experiment.pretrain else None,
    )
    make = functools.partial(model_of, experiment, config, n, temperature > 0)

    def make_problem(root: Any, *values: Any) -> Problem:
        train, _, validation, temperature, penalty, weights = values
        given = (train, temperature, penalty, weights, train_config, validation)
        own, model, _ = make(root, *given)

        def draw(key: Any, num: int) -> Blocks:
            return Blocks(subset_of(key, own, num))

        # measured by `observe`, compiled once for all workflows
        return Problem(draw, model, {}, one_by_one=True)

    def points(key: Any, params: Any, num: int) -> Any:
        raise NotImplementedError  # all text is kept instead

    def speed(trace: Mapping[str, Any], seconds: float) -> str:
        read = trace["fit_steps"].sum() * train_config.batch_size * config.block
        return f"{read / seconds:,.0f} characters/s"

    return programs.Setup(
        make_problem,
        make_workflow(label, experiment.num_generations),
        n,
        points,
        values,
        observe=observer(experiment, cell, data, net, make, values),
        speed=speed,
        one_by_one=True,
        program=(label, n, temperature > 0),
    )


def model_of(
    experiment: CharlmExperiment,
    config: Any,
    n: int,
    warm: bool,
    root: Any,
    train: Any,
    temperature: Any,
    penalty: Any,
    weights: Any,
    train_config: Any,
    validation: Any = None,
) -> tuple[Any, Any, Any]:
    """A seed's n real sequences, its model, and how that generates text."""
    from collapse.core import streams
    from collapse.models.language.decoding import DecodingConfig
    from collapse.models.language.model import language_model

    own = subset_of(streams.key(root, 0, streams.Purpose.DESIGN), train, n)
    decoding_config = DecodingConfig(
        temperature=temperature if warm else 0.0,
        top_k=experiment.top_k,
        top_p=experiment.top_p,
        repetition_penalty=1.0 if experiment.repetition_penalty == (1.0,) else penalty,
        beams=experiment.beams,
    )
    model = language_model(
        config,
        train_config,
        decoding_config,
        start=experiment.start,
        pretrained=weights,
        prompts=own if experiment.prompts else None,
        validation=validation if train_config.keep == "best" else None,
    )
    return own, model, decoding_config


def subset_of(key: Any, rows: Any, num: int) -> Any:
    """`num` different sequences, in random order."""
    from collapse.numerics import draws

    return rows[draws.shuffled(key, rows.shape[0], num)]


def config_of(experiment: CharlmExperiment, data: TextRows) -> Any:
    """The network that an experiment asks for."""
    from collapse.models.language.network import SIZES, NetworkConfig

    return NetworkConfig(
        vocabulary=len(data.text.vocabulary),
        block=experiment.block,
        size=SIZES[experiment.size],
        positions=experiment.positions,
        tied=not experiment.untied,
        dropout=experiment.dropout,
        activation=experiment.activation,
    )


def pretrained(experiment: CharlmExperiment, data: TextRows) -> dict:
    """Weights trained on another text, once for all seeds and workflows."""
    import jax
    import jax.numpy as jnp

    from collapse.core import streams
    from collapse.models.language.model import cross_entropy
    from collapse.models.language.network import network
    from collapse.models.language.training import train
    from collapse.numerics import threefry

    config = config_of(experiment, data)
    train_config = _train_config(experiment)._replace(
        steps=experiment.pretrain_steps, keep="last"
    )
    name = (experiment.pretrain, data.sha256, config, train_config, experiment.seed)
    if name not in _PRETRAINED:
        net = network(config)
        own = (experiment.pretrain, config.block, data.text.vocabulary)
        rows = jnp.asarray(pretraining_rows(*own))

        @jax.jit
        def run(key: Any, rows: Any) -> dict:
            init_key, key = threefry.split(key)

            def loss(weights: dict, rows: Any, key: Any) -> Any:
                drop = key if config.dropout else None
                return jnp.mean(cross_entropy(net, weights, rows, None, drop))

            ones = jnp.ones(len(rows))
            return train(
                key, net.init(init_key), rows, ones, loss, train_config
            ).weights

        root = jax.random.key(experiment.seed)
        _PRETRAINED[name] = run(streams.key(root, 0, streams.Purpose.INIT), rows)
    return _PRETRAINED[name]


def _train_config(
    experiment: CharlmExperiment, label: str = "", cell: Mapping[str, Any] | None = None
) -> Any:
    """How a generation is trained; `cell` and `label` bound the steps of epochs."""
    from collapse.models.language.network import SIZES
    from collapse.models.language.training import TrainConfig

    width, slots = SIZES[experiment.size].width, 1
    if label in ("accumulate", "replace_multiple"):
        slots = experiment.num_generations + 1
    if label.startswith("window"):
        slots = int(label.split()[1])
    return TrainConfig(
        steps=experiment.steps,
        epochs=experiment.epochs if cell and not experiment.steps else 0.0,
        most_rows=slots * cell["samples_per_generation"] if cell else 0,
        batch_size=experiment.batch_size,
        microbatch_size=max(1, _MICROBATCH_NUMBERS // (experiment.block * width)),
        learning_rate=experiment.learning_rate,
        warm_up=experiment.warm_up,
        weight_decay=experiment.weight_decay,
        keep=experiment.keep,
    )
