"""Links between files of the repository, and formulas, in pages."""

import os
import re
from pathlib import Path

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
# Files of the repository that are pages here: a link to one leads to the page.
PAGES = {"CONTRIBUTING.md": "contributing.md", "REPRODUCTION.md": "reproduction.md"}
logger = logging.getLogger(__name__)


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
    """Mend the links of a page."""
    folder = (DOCS / docname).parent
    content[0] = linked(content[0], folder, folder)


def on_include(app: Sphinx, path: Path, docname: str, content: list[str]) -> None:
    """Mend the links of a file that a page includes."""
    file = (DOCS / path).resolve()
    content[0] = linked(content[0], file.parent, (DOCS / docname).parent)


def math(visitor, node: nodes.Node, block: bool) -> None:
    """Write a formula as MathML, which browsers show without a network."""
    try:
        visitor.body.append(latex2mathml.tex2mathml(node.astext(), as_block=block))
    except MathError as error:
        logger.warning("formula: %s", error, location=node)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx is told of this file."""
    app.connect("source-read", on_source)
    app.connect("include-read", on_include)
    app.add_html_math_renderer(
        "mathml",
        (lambda visitor, node: math(visitor, node, False), None),
        (lambda visitor, node: math(visitor, node, True), None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
