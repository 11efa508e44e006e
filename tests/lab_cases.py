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
