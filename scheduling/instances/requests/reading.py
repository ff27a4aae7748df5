"""Read traces of requests, whatever their format, and tell what is wrong with them."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from scheduling.errors import InputError
from scheduling.instances.requests import servegen
from scheduling.instances.requests.assembling import Assembler
from scheduling.instances.requests.columns import FORMATS, Columns
from scheduling.instances.requests.rows import csv_chunks, header_of, json_chunks, opened
from scheduling.instances.requests.trace import Trace
from scheduling.instances.text import excerpt, split_fragment


def read_requests(
    path: str | PathLike[str],
    format: str | None = None,  # noqa: A002
    *,
    strict: bool = False,
    seed: int = 0,
) -> Trace:
    """Read a trace of requests.

    Parameters
    ----------
    path
        A file, packed with gzip when its name ends in ``.gz``; for ServeGen its folder with the
        model and the seconds to draw, such as ``"llm_servegen#m-small:0-600"``.
    format
        Name of the format; by default the file's columns tell.
    strict
        Refuse a file with broken rows or rows out of order, and clients of ServeGen without
        lengths. Otherwise these are left out and others sorted, and the trace says so.
    seed
        For formats that describe distributions, which are drawn from.

    Raises
    ------
    InputError
        When the file cannot be read, is of no format, holds no request, or, with ``strict``, when
        anything is wrong with it: every broken row is named with its line.
    """
    source = os.fspath(path)
    place, fragment = split_fragment(source)
    if format == servegen.NAME or (format is None and servegen.sniff(Path(place))):
        return servegen.read(Path(place), fragment, seed, strict=strict)
    chosen, header = _format(Path(source), source, format)
    parts = Assembler(chosen, header, source)
    with opened(Path(source)) as file:
        if chosen.shape == "csv":
            chunks = csv_chunks(file, parts.names, source)
        else:
            chunks = json_chunks(file, parts.names)
        for chunk in chunks:
            parts.add(chunk)
    return parts.trace(strict=strict)


def _format(path: Path, source: str, name: str | None) -> tuple[Columns, frozenset[str]]:
    """Find the format by its name or by the file's columns, which come with it."""
    known = ", ".join([*(entry.name for entry in FORMATS), servegen.NAME])
    if name is not None and all(entry.name != name for entry in FORMATS):
        raise InputError.single("format", repr(name), f"one of: {known}")
    shape, header = header_of(path)
    for entry in FORMATS:
        if entry.shape == shape and name in {None, entry.name} and entry.fits(header):
            return entry, header
    shown = excerpt(", ".join(sorted(header)))
    tables = f"{known}; any table with arrival_s, prompt_tokens and output_tokens is one"
    expected = f"columns of a trace: {name or tables}"
    raise InputError.single("line 1", f"the columns {shown}", expected, source)
