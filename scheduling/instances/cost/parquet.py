"""Columns of Parquet files; the reader is loaded when the first one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scheduling.errors import InputError, UnsupportedError


def read_columns(path: Path, needed: Sequence[str]) -> dict[str, list[Any]]:
    """Read the columns of a Parquet file.

    Parameters
    ----------
    path
        The file.
    needed
        Columns that it must have.

    Returns
    -------
    dict
        All its columns, as lists of equal length.

    Raises
    ------
    UnsupportedError
        When pyarrow is not installed.
    InputError
        When the file cannot be read or lacks a column.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        found = f"{path.name}: Parquet needs pyarrow, which is not installed"
        raise UnsupportedError(f"{found}; pip install 'scheduling[profiles]'") from None
    try:
        columns: dict[str, list[Any]] = parquet.read_table(path).to_pydict()
    except (OSError, ArrowException) as error:
        found = str(error).splitlines()[0][:200]
        raise InputError.single("file", found, "a Parquet file", str(path)) from None
    missing = [name for name in needed if name not in columns]
    if missing:
        found = ", ".join(sorted(columns)) or "no columns"
        raise InputError.single("columns", found, f"also {', '.join(missing)}", str(path))
    return columns
