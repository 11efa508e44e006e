"""Pages of HTML that need nothing but themselves: no network, no script."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path

MARK = '<meta name="generator" content="collapse">'  # in the head of every page
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{mark}
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color: #222; background: #fff; }}
h1, h2, li, td {{ overflow-wrap: anywhere; }}
img {{ max-width: 100%; border: 1px solid #ddd; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid #ddd; }}
pre {{ overflow-x: auto; font-size: .8rem; background: #f6f6f6; padding: .6rem; }}
.verdict {{ font-weight: bold; white-space: nowrap; }}
.small {{ font-size: .85rem; color: #555; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def page(title: str, parts: Sequence[str]) -> str:
    """A page with a title and parts that are HTML already."""
    return _PAGE.format(mark=MARK, title=html.escape(title), body="\n".join(parts))


def picture(file: Path, title: str) -> str:
    """An image tag that holds the picture of a file itself; a note if it is missing."""
    if not file.is_file():
        return f"<p>({html.escape(title)}: no picture)</p>"
    return image(file.read_bytes(), title)


def image(png: bytes, title: str) -> str:
    """An image tag that holds a picture, with a title for those who cannot see it."""
    data = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'


def contents(titles: Sequence[str]) -> str:
    """A list of links to sections `#section-1`, ...; nothing for a single one."""
    if len(titles) < 2:
        return ""
    links = (
        f'<li><a href="#section-{k}">{html.escape(title)}</a></li>'
        for k, title in enumerate(titles, 1)
    )
    return f"<ol>{''.join(links)}</ol>"


def rows(names_and_values: Sequence[tuple[str, str]]) -> str:
    """A table with a name in front of each value, which is HTML already."""
    told = "".join(f"<tr><th>{k}</th><td>{v}</td></tr>\n" for k, v in names_and_values)
    return f"<table>{told}</table>"
