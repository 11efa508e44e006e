"""How the site is built: `sphinx-build -W --keep-going -b html docs site`."""

import os
import sys
import typing
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_ext")]
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "Agg")
typing.GENERATING_DOCUMENTATION = "collapse"  # jaxtyping then keeps shapes as written

import collapse  # noqa: E402

project = "collapse"
copyright = author = "The collapse authors"
release = version = collapse.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
extensions += ["reference", "docstrings", "pages"]  # of _ext/
exclude_patterns = ["_build"]
nitpicky = True  # every type in a signature leads somewhere ...
nitpick_ignore_regex = [
    (r"py:.*", r"(?!collapse\.).*"),  # ... but those of other packages: no network
    (r"py:class", r"collapse\..*\.[A-Z]"),  # and type variables
]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
default_role = "literal"  # docstrings use Markdown's single backticks

html_theme = "furo"
html_title = "collapse"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"  # browsers show it without a network
html_copy_source = False
html_show_sphinx = False
toc_object_entries = False  # contents list modules, not each function

autodoc_mock_imports = ["torch", "transformers"]  # of an extra; nothing of them is read
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_use_type_comments = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
maximum_signature_line_length = 88
