"""The blocks of a page, and how a page is run.

Each page runs from top to bottom in an empty folder and in one Python namespace:

``yaml`` or ``json`` block under ``<!-- file: NAME -->``
    is written to NAME.
``python`` block
    is executed.
``console`` block
    runs its lines that begin with ``$ scheduling``; each must end with exit code 0, or with N where
    ``<!-- exits: N -->`` stands above the block. Its other lines show output and are not compared,
    except under ``<!-- says: N -->``, which asks for exit code N too: there each line must be in
    what the commands print, whatever blanks and breaks are in it.

Blocks in other languages (``bash`` for what sets a machine up) are not run.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from scheduling.cli import main

PICTURES = "_pictures"
"""Folder of the pictures that pages show and their own blocks draw."""

_BLOCK = re.compile(
    r"(?:^<!--[ ]*(?P<key>file|exits|says):[ ]*(?P<value>\S+)[ ]*-->\n\n?)?"
    r"^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
_SHOWN = re.compile(rf"\]\({PICTURES}/([^)\s]+)\)|<{PICTURES}/([^>\s]+)>")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, with the line that it begins in."""

    line: int
    language: str
    body: str
    file: str | None = None
    exits: int = 0
    says: bool = False


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    found = []
    for match in _BLOCK.finditer(text):
        key, value = match["key"], match["value"]
        found.append(
            Block(
                line=text.count("\n", 0, match.start("body")) + 1,
                language=match["language"],
                body=match["body"],
                file=value if key == "file" else None,
                exits=int(value) if key in ("exits", "says") else 0,
                says=key == "says",
            )
        )
    return found


def commands_of(block: Block) -> list[str]:
    """Return the ``scheduling`` commands of a console block, continued lines joined."""
    lines = block.body.replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ scheduling")]


def output_of(block: Block) -> list[str]:
    """Return the lines of a console block that show output."""
    lines = block.body.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("$ ")]


def pictures_of(text: str) -> list[str]:
    """Return the names of the pictures and files that a page shows from the pictures' folder."""
    return [one or other for one, other in _SHOWN.findall(text)]


def run_page(page: Path, folder: Path) -> None:
    """Run all blocks of a page in a folder.

    Raises
    ------
    AssertionError
        When a command ends otherwise than the page says; what it printed is in the message.
    """
    namespace: dict[str, object] = {"__name__": "snippets"}
    with chdir(folder):
        for block in blocks_of(page.read_text(encoding="utf-8")):
            if block.file is not None:
                Path(block.file).write_text(block.body, encoding="utf-8")
            elif block.language == "python":
                # Blank lines in front make a traceback name the line of the page.
                source = "\n" * (block.line - 1) + block.body
                exec(compile(source, str(page), "exec"), namespace)
            elif block.language == "console":
                _run_console(block, page)


def _run_console(block: Block, page: Path) -> None:
    said = "".join(_run_command(command, block, page) for command in commands_of(block))
    if block.says:
        plain = _plain(said)
        for line in output_of(block):
            # An ellipsis stands for what differs from machine to machine.
            whole = all(_plain(piece).strip() in plain for piece in line.split("…"))
            assert whole, f"{page.name}:{block.line}: not said: {line}\n{said}"


def _run_command(command: str, block: Block, page: Path) -> str:
    """Run a command in this process, which saves loading the package for each."""
    words = shlex.split(command)[1:]
    target = Path(words[-1]) if len(words) > 1 and words[-2] == ">" else None
    words = words if target is None else words[:-2]
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    try:
        with (
            patch.object(sys, "argv", ["scheduling", *words]),
            patch.object(sys, "stdin", io.StringIO()),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            main()
    except SystemExit as stop:
        code = stop.code or 0
    place = f"{page.name}:{block.line}"
    assert code == block.exits, f"{place}: {command}\n{out.getvalue()}\n{err.getvalue()}"
    assert "Traceback" not in err.getvalue(), f"{place}: {command}\n{err.getvalue()}"
    if target is not None:
        target.write_text(out.getvalue(), encoding="utf-8")
    return out.getvalue() + err.getvalue()


def _plain(text: str) -> str:
    """Return a text without its blanks and breaks, which depend on the width of the terminal."""
    return "".join(text.split())
