"""The option ``--output`` of every benchmark, and the file that it names."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from pathlib import Path

from scheduling.storage import write_whole


def add_output(parser: ArgumentParser) -> None:
    """Add the option; what cannot be written is refused before hours of measuring."""
    parser.add_argument("--output", type=_target, metavar="FILE", help="write figures here, JSON")


def write_figures(path: Path | None, found: object) -> None:
    """Write figures, whole or not at all; dataclasses by their fields.

    Parameters
    ----------
    path
        The file; ``None``: none was asked for.
    found
        Lists, dictionaries, dataclasses and plain values.

    Raises
    ------
    InputError
        When the file cannot be written; what stood there is then as it was.
    """
    if path is not None:
        text = json.dumps(found, ensure_ascii=False, indent=1, default=asdict)
        write_whole(path, text.encode())


def _target(text: str) -> Path:
    path = Path(text)
    if not path.absolute().parent.is_dir():
        raise ArgumentTypeError(f"no folder {str(path.parent)!r}")
    if path.is_dir():
        raise ArgumentTypeError(f"{text!r} is a folder, expected a file")
    return path
