"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
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


def write_files(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write several files into a folder, all of them or none.

    All are written beside their places first, and moved there when none has failed. A missing
    folder is made.

    Raises
    ------
    InputError
        When the folder cannot be written; its files are then as they were.
    """
    moves = [(folder / f".{name}.{os.getpid()}.part", folder / name) for name in contents]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            for (part, _), content in zip(moves, contents.values(), strict=True):
                part.write_bytes(content)
            blocked = [target for _, target in moves if target.is_dir()]
            if blocked:
                raise IsADirectoryError(0, "a folder of that name", str(blocked[0]))
            for part, target in moves:
                part.replace(target)
        finally:
            for part, _ in moves:
                part.unlink(missing_ok=True)
    except OSError as error:
        found = (error.strerror or "an error").lower()
        expected = "a folder that can be written"
        raise InputError.single("folder", found, expected, str(folder)) from None
    return [target for _, target in moves]
