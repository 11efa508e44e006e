"""Docstrings and signatures as they are written, for Sphinx."""

import ast
import copy
import dataclasses
import functools
import inspect
import re
import sys

from sphinx.application import Sphinx

KEPT: dict[str, list[str]] = {}  # docstrings of attributes, while napoleon reads them


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
    """Make the lines reStructuredText, and keep those of an attribute."""
    lines[:] = as_rst(lines)
    if what == "attribute":  # has no sections, and its first colon separates no type
        KEPT[name] = list(lines)


def after_napoleon(app, what, name, thing, options, lines: list[str]) -> None:
    """Give an attribute its lines back."""
    lines[:] = KEPT.pop(name, lines)


def signature(app, what, name, thing, options, *usual) -> tuple[str, str | None] | None:
    """Arguments and result of a function or class, with types as the source has them.

    So a key is a `Key` and not the array type that it stands for. None, for what
    Sphinx would write, where there is no source.
    """
    if what not in ("function", "method", "class"):
        return None
    try:
        tree = copy.deepcopy(definitions(thing.__module__)[thing.__qualname__])
    except (AttributeError, KeyError, OSError, TypeError):
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


@functools.cache
def definitions(module: str) -> dict[str, ast.AST]:
    """Qualified name -> function or class of a module, as written."""
    found: dict[str, ast.AST] = {}

    def collect(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[prefix + node.name] = node
            if isinstance(node, ast.ClassDef):
                collect(node.body, f"{prefix}{node.name}.")

    collect(ast.parse(inspect.getsource(sys.modules[module])).body, "")
    return found


class Names(ast.NodeTransformer):
    """Types as they are written: our classes become links, bounds are left out."""

    def __init__(self, known: dict) -> None:
        """Keep the names of the module that the types are written in."""
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The name, in full where it is a class of ours."""
        thing = self.known.get(node.id)
        if inspect.isclass(thing) and thing.__module__.startswith("collapse."):
            full = f"{thing.__module__}.{thing.__qualname__}"
            return ast.parse(f"~{full}", mode="eval").body
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """The type, without what `Annotated` says beside it."""
        if ast.unparse(node.value) == "Annotated":
            return self.visit(node.slice.elts[0])
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        """The field with its type changed, and its default as it is."""
        node.annotation = self.visit(node.annotation)
        return node


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx is told of this file."""
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", before_napoleon, priority=100)
    app.connect("autodoc-process-docstring", after_napoleon, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
