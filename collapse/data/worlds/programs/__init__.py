"""The world of programs: a small stack language, its interpreter, tasks and tests."""

from collapse.data.worlds.programs.interpreter import Memory, Outcome, execute
from collapse.data.worlds.programs.programs import programs

__all__ = ["Memory", "Outcome", "execute", "programs"]
