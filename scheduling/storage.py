"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from scheduling.errors import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it: beside its place, then moved there.

    What is no ordinary file, such as a pipe, is written to directly.

    Raises
    ------
    InputError
        When the folder is missing or cannot be written; an existing file is then as it was.
    """
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(content)
            return
        try:
            part.write_bytes(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        found = (error.strerror or "an error").lower()
        expected = "a file that can be written"
        raise InputError.single("file", found, expected, str(path)) from None
