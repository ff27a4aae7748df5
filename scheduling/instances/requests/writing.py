"""Write tables of requests, as the readers of any table take them."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from scheduling.errors import InputError
from scheduling.models.requests.table import RequestTable
from scheduling.storage import write_whole

_NUMBERS = ("arrival_ns", "prompt_tokens", "output_tokens", "cached_tokens")


def write_requests(table: RequestTable, path: str | PathLike[str]) -> None:
    """Write a table as CSV or as a JSON object a line, whole or not at all.

    Parameters
    ----------
    table
        What to write.
    path
        A file whose name ends in ``.csv`` or ``.jsonl``; one that exists is replaced.

    Raises
    ------
    InputError
        For another ending, or when the file cannot be written.
    """
    source = os.fspath(path)
    names = _names(table)
    text = io.StringIO(newline="")
    match Path(source).suffix.lower():
        case ".csv":
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(_rows(table))
        case ".jsonl":
            for row in _rows(table):
                text.write(json.dumps(dict(zip(names, row, strict=True))) + "\n")
        case suffix:
            found = f"the ending {suffix!r}" if suffix else "no ending"
            raise InputError.single("file name", found, "one of: .csv, .jsonl", source)
    write_whole(Path(source), text.getvalue().encode())


def _names(table: RequestTable) -> tuple[str, ...]:
    return (*_NUMBERS, "demand") if table.user is None else (*_NUMBERS, "demand", "user")


def _rows(table: RequestTable) -> Iterator[tuple[int | str | None, ...]]:
    columns = [getattr(table, name).tolist() for name in _NUMBERS]
    columns.append([table.demands[row] for row in table.demand.tolist()])
    if table.user is not None:
        columns.append([None if row < 0 else table.users[row] for row in table.user.tolist()])
    return zip(*columns, strict=True)
