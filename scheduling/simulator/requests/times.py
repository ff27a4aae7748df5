"""Times of every request as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError, UnsupportedError
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.compare import Outcome
from scheduling.simulator.requests.run import NEVER
from scheduling.storage import write_whole

SUFFIXES = (".csv", ".json", ".parquet")
"""Suffixes of the files that :func:`write_times` writes."""

Columns = dict[str, list[Any]]


def check_times(path: Path) -> None:
    """Check that times can be written to such a file, before a long run.

    Raises
    ------
    InputError
        When its suffix is none of :data:`SUFFIXES`.
    UnsupportedError
        For Parquet without pyarrow.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        expected = f"a name that ends in {', '.join(SUFFIXES)}"
        raise InputError.single("suffix", repr(path.suffix), expected, str(path))
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        found = f"{path.name}: Parquet needs pyarrow, which is not installed"
        advice = "pip install 'scheduling[profiles]', or take .csv or .json"
        raise UnsupportedError(f"{found}; {advice}")


def write_times(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the times of every request under every policy, whole or not at all.

    One row a policy and request: classes, users, tokens, instances, seconds from the start of the
    trace at which it came, began, had its first and its last token, and its restarts. What never
    was or is not known is empty in CSV, null in JSON and Parquet.

    Parameters
    ----------
    path
        The file; its suffix says the format: a table of CSV or Parquet, or a JSON object of
        columns.
    outcomes
        What the policies did.

    Raises
    ------
    InputError
        For another suffix, or a place that cannot be written.
    UnsupportedError
        For Parquet without pyarrow.
    """
    check_times(path)
    columns = times_columns(outcomes)
    write = {".csv": _csv, ".json": _json, ".parquet": _parquet}[path.suffix.lower()]
    write_whole(path, write(columns))


def times_columns(outcomes: Sequence[Outcome]) -> Columns:
    """Return the times of every request under every policy, column by column."""
    found: Columns = {}
    for one in outcomes:
        for name, values in _columns(one).items():
            found.setdefault(name, []).extend(values)
    return found


def _columns(one: Outcome) -> Columns:
    run, table = one.run, one.run.table
    names = [instance.name for instance in run.instances]
    users = [None] * len(table) if table.user is None else table.user.tolist()
    return {
        "policy": [one.strategy.name] * len(table),
        "request": list(range(len(table))),
        "demand": [table.demands[row] for row in table.demand.tolist()],
        "user": [None if row is None or row < 0 else table.users[row] for row in users],
        "prompt_tokens": table.prompt_tokens.tolist(),
        "output_tokens": table.output_tokens.tolist(),
        "cached_tokens": (table.cached_tokens + run.hit_tokens).tolist(),
        "instance": [names[row] if row >= 0 else None for row in run.instance.tolist()],
        "decode_instance": [
            names[row] if row >= 0 else None for row in run.decode_instance.tolist()
        ],
        "arrival_seconds": _seconds(run.came_ns),
        "started_seconds": _seconds(run.started_ns),
        "first_token_seconds": _seconds(run.first_token_ns),
        "ended_seconds": _seconds(run.ended_ns),
        "restarts": run.restarts.tolist(),
    }


def _seconds(times: NDArray[np.int64]) -> list[float | None]:
    return [None if time == NEVER else time / NS_PER_SECOND for time in times.tolist()]


def _csv(columns: Columns) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    shown = [
        ["" if value is None else f"{value:.9f}" for value in values]
        if name.endswith("_seconds")
        else values
        for name, values in columns.items()
    ]
    writer.writerows(zip(*shown, strict=True))
    return text.getvalue().encode()


def _json(columns: Columns) -> bytes:
    return (json.dumps(columns) + "\n").encode()


def _parquet(columns: Columns) -> bytes:
    from pyarrow import BufferOutputStream, parquet, table

    sink = BufferOutputStream()
    parquet.write_table(table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())
