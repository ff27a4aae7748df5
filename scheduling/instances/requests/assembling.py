"""Chunks of a trace's file put together: broken rows set aside, the others in order of arrival."""

from __future__ import annotations

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError
from scheduling.instances.requests.columns import Columns
from scheduling.instances.requests.rows import Chunk
from scheduling.instances.requests.trace import MOST_FAULTS, Trace, every_fault
from scheduling.instances.requests.values import DATES, counts, nanoseconds
from scheduling.instances.text import excerpt
from scheduling.models.requests.blocks import Blocks
from scheduling.models.requests.table import RequestTable

Ints = NDArray[np.int64]

_DATE = "a date and a time (of numbers, the column's name says the unit: timestamp_s, timestamp_ms)"
Marks = NDArray[np.bool_]


class Assembler:
    """Takes the chunks of a file one after the other.

    Parameters
    ----------
    columns
        The file's format.
    header
        Its columns, in small letters.
    source
        Its name, for faults.
    """

    def __init__(self, columns: Columns, header: frozenset[str], source: str) -> None:
        self._format = columns
        self._source = source
        choices = {
            "arrival": tuple(name for name, _ in columns.times),
            "prompt": columns.prompt,
            "output": columns.output,
            "cached": columns.cached,
            "demand": columns.demand,
            "blocks": columns.blocks,
            "user": columns.user,
        }
        named = {
            role: next((name for name in choice if name in header), None)
            for role, choice in choices.items()
        }
        self._roles = {role: name for role, name in named.items() if name is not None}
        self._unit = dict(columns.times).get(self._roles.get("arrival", ""))
        self._parts: dict[str, list[Ints]] = {}
        self._lines: list[Ints] = []
        self._classes: dict[str, int] = {}
        self._users: dict[str, int] = {}
        self._faults: list[Fault] = []
        self._broken = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the file that are read."""
        return tuple(self._roles.values())

    def add(self, chunk: Chunk) -> None:
        """Translate a chunk; rows in which anything is wrong are left out."""
        found: dict[str, Ints] = {}
        refused: list[tuple[str, Marks, str]] = []
        if self._unit is not None:
            dated = _DATE if self._unit == DATES else f"a number of {self._unit} from 0"
            found["arrival"], odd = nanoseconds(self._values(chunk, "arrival"), self._unit)
            refused.append(("arrival", odd, dated))
        for role in ("prompt", "output"):
            found[role] = counts(self._values(chunk, role))
            refused.append((role, found[role] < 1, "whole tokens, at least 1"))
        if "cached" in self._roles:
            found["cached"] = cached = counts(self._values(chunk, "cached"))
            odd = (cached < 0) | (cached >= np.maximum(found["prompt"], 1))
            refused.append(("cached", odd, "whole tokens from 0, fewer than the prompt's"))
        if "blocks" in self._roles:
            odd = np.array([not _is_blocks(value) for value in self._values(chunk, "blocks")], bool)
            refused.append(("blocks", odd, "a list of whole numbers"))
        if "demand" in self._roles:
            texts = map(str, self._values(chunk, "demand"))
            known = self._classes
            rows = [known.setdefault(text, len(known)) for text in texts]
            found["demand"] = np.array(rows, dtype=np.int64)
        if "user" in self._roles:
            found["user"] = self._numbered(self._values(chunk, "user"))
        bad = self._refuse(chunk, refused)
        for role, column in found.items():
            self._parts.setdefault(role, []).append(column[~bad])
        if "blocks" in self._roles:
            self._add_blocks(self._values(chunk, "blocks"), ~bad)
        self._lines.append(np.array(chunk.lines, dtype=np.int64)[~bad])

    def _numbered(self, values: list[object]) -> Ints:
        """Return numbers of users in the order in which they come, -1 where a row names none."""
        known = self._users
        rows = (
            -1 if value is None or value == "" else known.setdefault(str(value), len(known))
            for value in values
        )
        return np.fromiter(rows, np.int64, len(values))

    def _values(self, chunk: Chunk, role: str) -> list[object]:
        return chunk.columns[self._roles[role]]

    def _refuse(self, chunk: Chunk, refused: list[tuple[str, Marks, str]]) -> Marks:
        """Mark the rows with a fault, and keep the first fault of each."""
        bad = np.zeros(len(chunk.lines), dtype=np.bool_)
        faults = list(chunk.broken[:MOST_FAULTS])
        for role, odd, expected in refused:
            for row in np.flatnonzero(odd & ~bad)[:MOST_FAULTS].tolist():
                value = self._values(chunk, role)[row]
                place = f"line {chunk.lines[row]}, {self._roles[role]}"
                shown = "nothing" if value is None or value == "" else excerpt(str(value))
                faults.append(Fault(place, shown, expected))
            bad |= odd
        self._broken += int(bad.sum()) + len(chunk.broken)
        faults.sort(key=lambda fault: int(fault.place.split(",")[0].removeprefix("line ")))
        self._faults += faults[: max(0, MOST_FAULTS - len(self._faults))]
        return bad

    def _add_blocks(self, values: list[object], kept: Marks) -> None:
        rows = [value for value, keep in zip(values, kept, strict=True) if keep]
        lists: list[list[int]] = rows  # type: ignore[assignment]
        sizes = np.array([len(numbers) for numbers in lists], dtype=np.int64)
        flat = np.fromiter(chain.from_iterable(lists), np.int64, int(sizes.sum()))
        self._parts.setdefault("block sizes", []).append(sizes)
        self._parts.setdefault("block numbers", []).append(flat)

    def trace(self, *, strict: bool) -> Trace:
        """Put the chunks together.

        Raises
        ------
        InputError
            When no row is left, or with ``strict`` when a row is broken or out of order.
        """
        columns = {role: np.concatenate(parts) for role, parts in self._parts.items()}
        count = len(columns.get("prompt", ()))
        if self._broken and (strict or not count):
            raise InputError(every_fault(self._faults, self._broken), self._source)
        if not count:
            raise InputError.single("file", "no row", "a request at least", self._source)
        arrivals = columns.get("arrival", np.zeros(count, dtype=np.int64))
        if self._unit == DATES:
            arrivals = arrivals - arrivals.min()
        late = np.flatnonzero(arrivals < np.maximum.accumulate(arrivals))
        if strict and len(late):
            place = f"line {int(np.concatenate(self._lines)[late[0]])}"
            found, expected = "an arrival before the last row's", "rows in order of arrival"
            raise InputError.single(place, found, expected, self._source)
        order = np.argsort(arrivals, kind="stable")
        prompts = columns["prompt"][order]
        blocks = self._blocks(columns, order)
        if blocks is not None:
            cached = blocks.cached_tokens(prompts)
        else:
            cached = columns.get("cached", np.zeros(count, dtype=np.int64))[order]
        table = RequestTable(
            arrivals[order],
            prompts,
            columns["output"][order],
            columns.get("demand", np.zeros(count, dtype=np.int64))[order],
            cached,
            tuple(self._classes) or ("all",),
            columns["user"][order] if self._users else None,
            tuple(self._users),
        )
        return Trace(
            table,
            self._source,
            self._format.name,
            self._broken + count,
            self._broken,
            tuple(self._faults),
            len(late),
            self._unit is not None,
            blocks,
        )

    def _blocks(self, columns: dict[str, Ints], order: Ints) -> Blocks | None:
        if "blocks" not in self._roles:
            return None
        starts = np.concatenate(([0], np.cumsum(columns["block sizes"])))
        size = self._format.block_tokens
        return Blocks(size, columns["block numbers"], starts).taken(order)


def _is_blocks(value: object) -> bool:
    if not isinstance(value, list) or not set(map(type, value)) <= {int}:
        return False
    return not value or -(2**63) <= min(value) <= max(value) < 2**63
