"""The world of tool calls: requests in words, calls as JSON, results and answers."""

from collapse.data.worlds.tools.given import read_functions
from collapse.data.worlds.tools.tools import tools

__all__ = ["read_functions", "tools"]
