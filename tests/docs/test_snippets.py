"""Runs what the README and the documentation show, so that no page shows what does not work.

Each page runs from top to bottom in an empty folder and in one Python namespace:

``yaml`` or ``json`` block under ``<!-- file: NAME -->``
    is written to NAME.
``python`` block
    is executed.
``console`` block
    runs its lines that begin with ``$ scheduling``; each must end with exit code 0, or with N where
    ``<!-- exits: N -->`` stands above the block. The other lines show output and are not compared.

Blocks in other languages (``bash`` for what sets a machine up) are not run.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduling.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(
    r"(?:^<!--[ ]*(?P<key>file|exits):[ ]*(?P<value>\S+)[ ]*-->\n\n?)?"
    r"^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, with the line that it begins in."""

    line: int
    language: str
    body: str
    file: str | None
    exits: int


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
                exits=int(value) if key == "exits" else 0,
            )
        )
    return found


def commands_of(block: Block) -> list[str]:
    """Return the ``scheduling`` commands of a console block, continued lines joined."""
    lines = block.body.replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ scheduling")]


def run_command(command: str, block: Block, page: Path, folder: Path) -> None:
    """Run a command in this process, which saves loading the package for each."""
    words = shlex.split(command)[1:]
    target = folder / words[-1] if len(words) > 1 and words[-2] == ">" else None
    words = words if target is None else words[:-2]
    out, err = io.StringIO(), io.StringIO()
    argv, stdin = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["scheduling", *words], io.StringIO()
    code: object = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        sys.argv, sys.stdin = argv, stdin
    place = f"{page.name}:{block.line}"
    assert code == block.exits, f"{place}: {command}\n{out.getvalue()}\n{err.getvalue()}"
    assert "Traceback" not in err.getvalue(), f"{place}: {command}\n{err.getvalue()}"
    if target is not None:
        target.write_text(out.getvalue(), encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "snippets"}
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if block.file is not None:
            Path(block.file).write_text(block.body, encoding="utf-8")
        elif block.language == "python":
            # Blank lines in front make a traceback name the line of the page.
            source = "\n" * (block.line - 1) + block.body
            exec(compile(source, str(page), "exec"), namespace)
        elif block.language == "console":
            for command in commands_of(block):
                run_command(command, block, page, tmp_path)


def test_blocks_are_found_with_their_remarks() -> None:
    text = (
        "text\n\n```python\nx = 1\n```\n\n"
        "<!-- exits: 3 -->\n```console\n$ scheduling a \\\n  b\nout\n$ scheduling c\n```\n\n"
        "<!-- file: f.yaml -->\n\n```yaml\nkind: x\n```\n"
    )
    python, console, yaml = blocks_of(text)
    assert (python.line, python.language, python.body) == (4, "python", "x = 1\n")
    assert console.exits == 3
    assert [command.split() for command in commands_of(console)] == [
        ["scheduling", "a", "b"],
        ["scheduling", "c"],
    ]
    assert (yaml.file, yaml.body) == ("f.yaml", "kind: x\n")
