"""Folders of finished runs with made-up numbers, and commands that look at them."""

import json

import numpy as np

from collapse.experiment import results
from collapse.figures.declaration import to_declaration
from collapse.lab import commands, folder
from collapse.sims.gaussian import FAMILY as GAUSSIAN

METRICS = ("test_error", "variance_ratio")


def traces(experiment, shift=0.0):
    """Numbers that the seed and the workflow decide, and the same for both metrics."""
    rng = np.random.default_rng(experiment.seed)
    shape = (experiment.num_seeds, experiment.num_generations + 1)
    common = rng.normal(1, 0.3, size=(10**3, 100))[: shape[0], : shape[1]]
    keys = [condition.key for condition in experiment.conditions()]
    found = {}
    for k, key in enumerate(keys):
        values = common + shift + k
        metrics = dict.fromkeys(experiment.measured(), values)
        found[key] = metrics | {"finite": np.ones(shape, bool)}
    return found


def leave(place, kind=GAUSSIAN, shift=0.0, complete=True, **fields):
    """The folder that a run with made-up numbers leaves."""
    small = {"num_seeds": 20, "num_generations": 3, "metrics": METRICS}
    experiment = kind(**{**small, **fields}).resolved(0, 0)
    target = folder.Path(place)
    target.mkdir(parents=True)
    digest = experiment.digest()
    about = (digest, experiment.name, "cpu", "a processor", "")
    folder.label(target, to_declaration(experiment), *about)
    if not complete:
        return experiment
    dataset = results.assemble(experiment, traces(experiment, shift))
    results.write_dataset(dataset, target / folder.RESULTS)
    record = {"seconds": 12.5}
    (target / "environment.json").write_text(json.dumps(record), encoding="utf-8")
    return experiment


def relabelled(place, *changes):
    """Edit a run's declaration, as one of an earlier version, without its checksum."""
    label = folder.Path(place) / folder.LABEL
    lines = label.read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("# crc32 "))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    label.write_text(text)


def run(*arguments):
    return commands.main([*map(str, arguments)])
