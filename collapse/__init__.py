"""A lab for model collapse: what happens when models learn from earlier models.

The names below are loaded when first used, so that `import collapse` is instant and the
command line can answer `--help` before jax is imported.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_MODULE_OF = {
    **dict.fromkeys(("Metric", "Model", "Problem", "Selection"), "core.types"),
    **dict.fromkeys(("Actions", "Controller", "Curator", "Generated"), "core.types"),
    **dict.fromkeys(("State", "Store", "Trace", "Workflow"), "core.types"),
    **dict.fromkeys(("advance", "init", "run", "run_seeds", "step"), "core.loop"),
    **dict.fromkeys(("generate", "learn"), "core.loop"),
}


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'collapse' has no attribute {name!r}")
    return getattr(importlib.import_module(f"collapse.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    """Everything `__getattr__` can answer, for completion."""
    return sorted([*globals(), *_MODULE_OF])
