"""How the site is built: `sphinx-build -W --keep-going -b html docs site`."""

import ast
import dataclasses
import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "Agg")
typing.GENERATING_DOCUMENTATION = "collapse"  # jaxtyping then keeps shapes as written

from docutils import nodes  # noqa: E402
from docutils.statemachine import StringList  # noqa: E402
from docutils.utils.math import latex2mathml  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402
from sphinx.util.docutils import SphinxDirective  # noqa: E402

import collapse  # noqa: E402

project = "collapse"
author = "The collapse authors"
release = version = collapse.__version__
copyright = author

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
nitpicky = True
default_role = "literal"  # docstrings use Markdown's single backticks

html_theme = "furo"
html_title = "collapse"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_use_type_comments = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
maximum_signature_line_length = 88

# Types of other packages: their pages are elsewhere, and the build is offline.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!collapse\.).*"),
    (r"py:class", r"collapse\..*\.[A-Z]"),  # type variables
]

# Files of the repository that are pages here: a link to one leads to the page.
PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "REPRODUCTION.md": "reproduction.md",
}


class Room(SphinxDirective):
    """The reference of all modules of a room, in a list made from its folder."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        lines = StringList()
        for module in modules(self.arguments[0]):
            title = module.removeprefix("collapse.")
            for thing in vars(importlib.import_module(module)).values():
                if inspect.isclass(thing) and thing.__module__ == module:
                    for field, kind in thing.__dict__.get("__annotations__", {}).items():
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
        said = subprocess.run(
            [sys.executable, "-m", "collapse", self.arguments[0], "--help"],
            **{"cwd": ROOT, "capture_output": True, "text": True, "check": True},
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "88"},
        ).stdout
        return [nodes.literal_block(said, said, language="none")]


def as_rst(docstring: list[str]) -> list[str]:
    """Lines of a docstring, which is plain text with `code`, as reStructuredText.

    What would be emphasis, a substitution or a reference there, as in w* and |w|, is
    escaped; an indented block after a colon is code.
    """
    found: list[str] = []
    quoted, code = False, None  # inside backticks; indent of the text above code
    sources = None  # indent of the heading of references, each of which is an item
    for number, line in enumerate(docstring):
        indent = len(line) - len(line.lstrip())
        if line.strip() in ("References:", "Sources:"):
            sources = indent
        elif sources is not None and line.strip():
            sources = sources if indent > sources else None
            if sources is not None and not line.lstrip().startswith("* "):
                mark = "* " if indent == sources + 2 else "  "
                line = line[:indent] + mark + line[indent:]
        quoted = quoted and bool(line.strip())
        if code is not None and line.strip() and indent <= code:
            code = None
        if code is None:
            bullet, text = re.match(r"(\s*[*-] )?(.*)", line).groups()
            parts = text.split("`")
            parts[quoted::2] = map(escaped, parts[quoted::2])
            quoted ^= len(parts) % 2 == 0
            line = (bullet or "") + "`".join(parts)
            after = docstring[number + 1 : number + 3]
            if line.endswith(":") and len(after) == 2 and not after[0].strip():
                if len(after[1]) - len(after[1].lstrip()) > indent:
                    code, line = indent, line + ":"
        found.append(line)
    return found


def escaped(text: str) -> str:
    """Plain text in which reStructuredText sees no markup."""
    return re.sub(r"(?<=\w)_(?!\w)", r"\\_", re.sub(r"([*|\\])", r"\\\1", text))


def before_napoleon(app, what, name, thing, options, lines: list[str]) -> None:
    lines[:] = as_rst(lines)
    if what == "attribute":  # has no sections, and its first colon separates no type
        KEPT[name] = list(lines)


def after_napoleon(app, what, name, thing, options, lines: list[str]) -> None:
    lines[:] = KEPT.pop(name, lines)


KEPT: dict[str, list[str]] = {}


def signature(app, what, name, thing, options, *usual) -> tuple[str, str | None] | None:
    """Arguments and result of a function or class, with types as the source has them.

    So a key is a `Key` and not the array type that it stands for. None, for what
    Sphinx would write, where there is no source.
    """
    if what == "module":
        return None
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    known = vars(sys.modules[thing.__module__])
    if isinstance(tree, ast.FunctionDef):
        arguments, result = tree.args, tree.returns
        if what == "method" and "staticmethod" not in map(
            ast.unparse, tree.decorator_list
        ):
            del arguments.args[:1]
        for argument in ast.walk(arguments):
            if isinstance(argument, ast.arg) and argument.annotation:
                argument.annotation = Names(known).visit(argument.annotation)
        result = result and ast.unparse(Names(known).visit(result))
        return f"({ast.unparse(arguments)})", result
    is_tuple = hasattr(thing, "_fields")
    if not isinstance(tree, ast.ClassDef) or not (
        is_tuple or dataclasses.is_dataclass(thing)
    ):
        return None
    if not is_tuple and thing.__mro__[1] is not object:
        return "", None  # the fields of its ancestors come first: listed below
    fields = [
        ast.unparse(Names(known).visit(field))
        for field in tree.body
        if isinstance(field, ast.AnnAssign)
        and not ast.unparse(field.annotation).startswith("ClassVar")
    ]
    return f"({', '.join(fields)})", None


class Names(ast.NodeTransformer):
    """Types as they are written: our classes become links, bounds are left out."""

    def __init__(self, known: dict) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        thing = self.known.get(node.id)
        if inspect.isclass(thing) and thing.__module__.startswith("collapse."):
            full = f"{thing.__module__}.{thing.__qualname__}"
            return ast.parse(f"~{full}", mode="eval").body
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if ast.unparse(node.value) == "Annotated":
            return self.visit(node.slice.elts[0])
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.annotation = self.visit(node.annotation)  # its default stays as it is
        return node


def is_elsewhere(app, what: str, name: str, thing, skip: bool, options) -> bool | None:
    """Whether a member of a module is left out, as a public name or one of a tuple."""
    if what == "module" and name in collapse.__all__:
        return True if thing is getattr(collapse, name) else None
    if type(thing).__name__ == "_tuplegetter":  # a field: its class describes it
        return True
    return None


def linked(text: str, folder: Path, where: Path) -> str:
    """Markdown whose links between files of the repository lead there from `where`.

    Args:
      text: of a document.
      folder: of the file that its links start from.
      where: the folder of the page that it becomes.
    """

    def moved(match: re.Match[str]) -> str:
        label, target, anchor = match.groups()
        path = (folder / target).resolve()
        if ":" in target or not path.exists():  # of the web; code, or a broken link
            return match[0]
        path = DOCS / PAGES.get(os.path.relpath(path, ROOT), path)
        new = os.path.relpath(path, where)
        if not path.is_relative_to(DOCS) and not label.startswith("!"):
            new = f"path:{new}"  # a file to look at, no page
        return f"{label}({new}{anchor or ''})"

    return re.sub(r"(!?\[(?:[^\]\\]|\\.)*\])\(([^)#\s]+)(#[^)\s]*)?\)", moved, text)


def on_source(app: Sphinx, docname: str, content: list[str]) -> None:
    folder = (DOCS / docname).parent
    content[0] = linked(content[0], folder, folder)


def on_include(app: Sphinx, path: Path, docname: str, content: list[str]) -> None:
    file = (DOCS / path).resolve()
    content[0] = linked(content[0], file.parent, (DOCS / docname).parent)


def math(visitor, node: nodes.Node, block: bool) -> None:
    """Write a formula as MathML, which browsers show without a network."""
    visitor.body.append(latex2mathml.tex2mathml(node.astext(), as_block=block))
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("room", Room)
    app.add_directive("public", Public)
    app.add_directive("help-of", Help)
    app.connect("autodoc-skip-member", is_elsewhere)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", before_napoleon, priority=100)
    app.connect("autodoc-process-docstring", after_napoleon, priority=900)
    app.connect("source-read", on_source)
    app.connect("include-read", on_include)
    app.add_html_math_renderer(
        "mathml",
        (lambda visitor, node: math(visitor, node, False), None),
        (lambda visitor, node: math(visitor, node, True), None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
