"""What several tests of the lab share: a user's settings, and a run that is stopped."""

import contextlib

import jax
import pytest

from collapse.lab import checkpoint, parts, session


@pytest.fixture
def as_a_user_runs_it(monkeypatch):
    """The promotion rules of jax as they are by default, and no session of the lab."""
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def interrupt(monkeypatch, saves=1):
    """Make ctrl-C arrive when so many checkpoints have been saved."""
    real, count = checkpoint.save, []

    def save(path, progress):
        real(path, progress)
        count.append(1)
        if len(count) == saves:
            raise parts.Interrupted("stop")

    monkeypatch.setattr(parts, "_SECONDS_BETWEEN_SAVES", -1.0)  # save every chunk
    monkeypatch.setattr(checkpoint, "save", save)


def stopped_and_resumed(experiment, folder, monkeypatch, when):
    """The traces of a run that was stopped once, and the generation of the stop.

    Args:
      experiment: ready to run.
      folder: of its checkpoints.
      monkeypatch: of the test.
      when: checkpoint -> whether to stop after it.
    """
    monkeypatch.setattr(parts, "_SECONDS_BETWEEN_SAVES", -1.0)  # save every chunk
    real, stopped = parts.checkpoint.save, []

    def save(path, progress):
        real(path, progress)
        if not stopped and when(progress):
            stopped.append(progress.done)
            raise parts.Interrupted("stop")

    monkeypatch.setattr(parts.checkpoint, "save", save)
    with pytest.raises(parts.Interrupted):
        parts.simulate(experiment, None, folder)
    return parts.simulate(experiment, None, folder), stopped[0]
