"""Read and write problem and solution files."""

from __future__ import annotations

import gzip
import os
import re
import sys
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from scheduling.errors import InputError
from scheduling.instances import choosing, documents, formats
from scheduling.instances.text import MAX_BYTES, PACKED, STANDARD_INPUT, decode, split_fragment
from scheduling.models.base import Document, Problem, Solution
from scheduling.storage import write_whole

BUNDLED = "bundled:"
"""Prefix that names a bundled instance instead of a file."""


def read(path: str | PathLike[str], format: str | None = None) -> Problem:  # noqa: A002
    """Read a problem.

    Parameters
    ----------
    path
        A file, ``"-"`` for standard input, or ``"bundled:NAME"`` for a bundled instance. One of
        several instances in a file is named behind it: ``"wt40.txt#17"``.
    format
        Name of the file's format; by default it is found from the name's ending and the content.

    Raises
    ------
    InputError
        When the file cannot be read or is not a valid problem; every fault names file, place, what
        was found and what was expected.

    Examples
    --------
    >>> from scheduling.instances.files import read
    >>> problem = read("bundled:ta01")
    >>> len(problem.jobs)
    15
    """
    source = os.fspath(path)
    if source.startswith(BUNDLED):
        from scheduling.instances.bundled import load

        return load(source.removeprefix(BUNDLED))
    return parse(*read_text(source), format)


def parse(text: str, source: str, format: str | None = None) -> Problem:  # noqa: A002
    """Translate a text into a problem; ``source`` is the file's name, for detection and faults."""
    chosen = formats.by_name(format) if format else choosing.detect(text, source)
    return chosen.read(text, source)


def members(path: str | PathLike[str]) -> list[str]:
    """Name the instances of a file that holds several; ``"FILE#NAME"`` reads one of them.

    Returns
    -------
    list of str
        Names, or numbers from 1 where they have none; empty for a file of one instance.

    Raises
    ------
    InputError
        When the file cannot be read, with the line of the fault.
    """
    from scheduling.instances.schedule import tardiness

    source = os.fspath(path)
    if not tardiness.may_hold_several(source):
        return []
    text, shown = read_text(source)
    return tardiness.members(text, shown)


def write(problem: Problem, path: str | PathLike[str], format: str | None = None) -> None:  # noqa: A002
    """Write a problem, whole or not at all.

    Parameters
    ----------
    problem
        What to write.
    path
        The file; one that exists is replaced.
    format
        Name of the format; by default the name's ending decides.

    Raises
    ------
    UnsupportedError
        When the format cannot hold the problem; it names the feature.
    InputError
        When no format fits the name, or the file cannot be written.
    """
    source = os.fspath(path)
    chosen = formats.by_name(format) if format else choosing.for_writing(source, problem.kind)
    write_whole(Path(source), chosen.write(problem).encode())


def require_format(problem: Problem, path: str | PathLike[str]) -> None:
    """Check, before a long run, that :func:`write` finds a format for a problem by a file's name.

    Raises
    ------
    InputError
        When no format fits the name.
    """
    choosing.for_writing(os.fspath(path), problem.kind)


def read_solution(path: str | PathLike[str]) -> Solution:
    """Read a solution file (JSON); ``"-"`` is standard input.

    Raises
    ------
    InputError
        When the file cannot be read or is not a valid solution.
    """
    source = os.fspath(path)
    return documents.read_json_solution(*read_text(source))


def write_solution(solution: Solution, path: str | PathLike[str]) -> None:
    """Write a solution file (JSON), whole or not at all.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    write_whole(Path(path), documents.write_json_solution(solution).encode())


def read_text(path: str | PathLike[str]) -> tuple[str, str]:
    """Read the text of a file, packed by gzip or not, or of standard input for ``"-"``.

    Returns
    -------
    text, source : str
        The text and the name to show for where it came from.

    Raises
    ------
    InputError
        When the file cannot be read, is too large or no text.
    """
    source = os.fspath(path)
    try:
        if source == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            file = _file(source)
            with gzip.open(file) if file.suffix == PACKED else file.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError.single("file", str(error), "a file packed by gzip", source) from None
    except OSError as error:
        raise _failure(source, error, "a file that can be read") from None
    except ValueError as error:
        raise InputError.single("file name", str(error), "a file name", repr(source)) from None
    shown = shown_name(source)
    return decode(data, shown), shown


def shown_name(source: str) -> str:
    """Return what faults call a file, standard input or a bundled instance."""
    return STANDARD_INPUT if source == "-" else source.removeprefix(BUNDLED)


@contextmanager
def fields_named(
    source: str, document: type[Document], *, but: Collection[str] = ()
) -> Iterator[None]:
    """Name a document's file in faults of its fields that are found behind its reading.

    Parameters
    ----------
    source, document, but
        As of :func:`of_fields`.
    """
    try:
        yield
    except InputError as error:
        raise of_fields(error, source, document, but=but) from None


def of_fields(
    error: InputError, source: str, document: type[Document], *, but: Collection[str] = ()
) -> InputError:
    """Return an error with a document's file, where it is one of fields of the document.

    Parameters
    ----------
    error
        What is wrong; another file that it names stays.
    source
        File that the document was read from.
    document
        Its class.
    but
        Fields that do not stand in the file.
    """
    fields = {re.split(r"\W", fault.place)[0] for fault in error.faults}
    if error.source is not None or not fields <= set(document.model_fields) - set(but):
        return error
    return error.with_source(shown_name(source))


def _file(source: str) -> Path:
    """Return the file that ``source`` names, with or without an instance in it."""
    whole = Path(source)
    return whole if whole.exists() else Path(split_fragment(source)[0])


def _failure(source: str, error: OSError, expected: str) -> InputError:
    return InputError.single("file", (error.strerror or "an error").lower(), expected, source)
