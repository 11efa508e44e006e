"""Directives of the reference: rooms, public names, and what `--help` prints."""

import importlib
import inspect
import os
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.autodoc.mock import mock
from sphinx.util.docutils import SphinxDirective

import collapse

ROOT = Path(__file__).parents[2]


class Room(SphinxDirective):
    """The reference of all modules of a room, in a list made from its folder."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The sections of the modules."""
        lines = StringList()
        for module in modules(self.arguments[0]):
            title = module.removeprefix("collapse.")
            with mock(self.config.autodoc_mock_imports):  # as autodoc does
                found = importlib.import_module(module)
            for thing in vars(found).values():
                if inspect.isclass(thing) and thing.__module__ == module:
                    for field, kind in thing.__dict__.get(
                        "__annotations__", {}
                    ).items():
                        thing.__annotations__[field] = without_bounds(kind)
            for line in (
                *(f".. _room-{title}:", "", title, "-" * len(title), ""),
                *(f".. automodule:: {module}", "   :members:"),
                *("   :ignore-module-all:", ""),
            ):
                lines.append(line, f"<{module}>")
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def modules(room: str) -> Iterator[str]:
    """Names of the modules below a folder of the package, those of others left out."""
    for file in sorted((ROOT / "collapse" / room).rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if not any(part.startswith("_") for part in parts):
            yield ".".join(parts)


def without_bounds(kind: Any) -> Any:
    """A type without what `Annotated` says beside it, which `--help` tells."""
    if hasattr(kind, "__metadata__"):
        return without_bounds(kind.__origin__)
    if typing.get_origin(kind) is tuple:
        return tuple[tuple(map(without_bounds, typing.get_args(kind)))]
    return kind


class Public(SphinxDirective):
    """The reference of public names, which the rooms that define them leave out."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The entries of the names."""
        lines = StringList()
        for name in " ".join(self.content).split():
            thing = getattr(collapse, name)
            kind = "class" if inspect.isclass(thing) else "function"
            kind = kind if callable(thing) and hasattr(thing, "__module__") else "data"
            kind = "data" if typing.get_origin(thing) else kind
            lines.append(f".. auto{kind}:: collapse.{name}", "<public>")
            if kind == "class":
                lines.append("   :members:", "<public>")
            lines.append("", "<public>")
        return self.parse_text_to_nodes("\n".join(lines))


class Help(SphinxDirective):
    """What `--help` of a command prints."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """What the command prints, as it stands."""
        said = subprocess.run(
            [sys.executable, "-m", "collapse", self.arguments[0], "--help"],
            **{"cwd": ROOT, "capture_output": True, "text": True, "check": True},
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "88"},
        ).stdout
        return [nodes.literal_block(said, said, language="none")]


def is_elsewhere(app, what: str, name: str, thing, skip: bool, options) -> bool | None:
    """Whether a member of a module is left out, as a public name or one of a tuple."""
    if what == "module" and name in collapse.__all__:
        return True if thing is getattr(collapse, name) else None
    if type(thing).__name__ == "_tuplegetter":  # a field: its class describes it
        return True
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx is told of this file."""
    app.add_directive("room", Room)
    app.add_directive("public", Public)
    app.add_directive("help-of", Help)
    app.connect("autodoc-skip-member", is_elsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
