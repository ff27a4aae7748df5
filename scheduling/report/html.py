"""Self-contained HTML pages from templates that ship with the package."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import Any


def fill_template(
    name: str,
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    data: Any,
    texts: Mapping[str, str],
) -> str:
    """Return a page with its style sheets, scripts and data inside.

    Parameters
    ----------
    name
        Template of what stands in the page's body, with a placeholder for each text but those it
        does not show.
    styles, scripts
        Files beside the template; the scripts run in one strict function scope, in this order.
    data
        Anything that JSON can hold.
    texts
        Plain texts by placeholder, ``title`` among them; they are escaped.
    """
    code = "\n".join(_read(script) for script in scripts)
    shown = {key: html.escape(text) for key, text in texts.items()}
    return Template(_read("shell.html")).substitute(
        title=shown["title"],
        content=Template(_read(name)).substitute(shown).rstrip(),
        style="\n".join(_read(style) for style in styles),
        script=f'(() => {{\n"use strict";\n{code}\n}})();',
        data=embed_json(data),
    )


def embed_json(data: Any) -> str:
    """Return compact JSON that is safe inside a ``script`` element.

    ``<`` is written as an escape, so no text in the data can end the element or open a comment;
    so are the line separators that older JavaScript engines take for line ends.
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _read(name: str) -> str:
    return files("scheduling.report").joinpath("templates", name).read_text(encoding="utf-8")
