"""Files that are written whole or not at all, and files that grow by lines."""

from __future__ import annotations

import errno
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
        if _stream(path):
            path.write_bytes(content)
            return
        try:
            part.write_bytes(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from None


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


def _stream(path: Path) -> bool:
    """Tell whether a path is a pipe or device, such as ``/dev/stdout``.

    It is asked for by its own name, as what the name of a pipe resolves to is no file.
    """
    return path.exists() and not path.is_file() and not path.is_dir()


def require_place(path: Path) -> None:
    """Check, before a long run, that a file can be written where :func:`write_whole` is to do it.

    Raises
    ------
    InputError
        When it cannot.
    """
    if _stream(path):
        return
    target = path.resolve()
    number = 0
    if target.is_dir():
        number = errno.EISDIR
    elif not target.parent.is_dir():
        number = errno.ENOTDIR if target.parent.exists() else errno.ENOENT
    elif not os.access(target.parent, os.W_OK | os.X_OK):
        number = errno.EACCES
    if number:
        raise _cannot_write(path, OSError(number, os.strerror(number)))


def require_folder(folder: Path) -> None:
    """Check, before a long run, that :func:`write_files` can write into a folder.

    A missing one is not made yet, so that a run that is refused leaves nothing behind.

    Raises
    ------
    InputError
        When it cannot.
    """
    present = folder.resolve()
    while not present.exists():
        present = present.parent
    number = 0
    if not present.is_dir():
        number = errno.ENOTDIR
    elif not os.access(present, os.W_OK | os.X_OK):
        number = errno.EACCES
    if number:
        found, expected = os.strerror(number).lower(), "a folder that can be written"
        raise InputError.single("folder", found, expected, str(folder))


def whole_lines(path: Path, what: str) -> list[str]:
    """Return the lines of a file that grows; a last line that was cut off is left out.

    Parameters
    ----------
    path
        The file.
    what
        What it should hold, for errors.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        found = f"{error.__class__.__name__}"
        raise InputError.single(what, found, f"a readable file of {what}", str(path)) from error
    return lines[:-1] if lines and not lines[-1].endswith("\n") else lines


def append_line(path: Path, line: str) -> None:
    """Append a line, also behind one that was cut off, which goes.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    try:
        with path.open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    content = path.read_bytes()
                    path.write_bytes(content[: content.rfind(b"\n") + 1])
        with path.open("a", encoding="utf-8") as text:
            text.write(line + "\n")
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> InputError:
    found = (error.strerror or "an error").lower()
    return InputError.single("file", found, "a file that can be written", str(path))
