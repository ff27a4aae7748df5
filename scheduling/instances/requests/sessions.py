"""Logs of agents' sessions as programs: calls of a model, and tools with their durations."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from scheduling.errors import Fault, InputError
from scheduling.instances.tables import Record
from scheduling.instances.text import excerpt
from scheduling.models.requests.programs import Call, Program, ProgramTable, program_table

NAME = "agent-sessions"

_CALLS = "llm_calls.csv"
_TOOLS = "tool_calls.csv"
_SESSIONS = "sessions.csv"
_CHARS_PER_TOKEN = 4
_LEAST_OWN = 16
_MOST = 1_000_000_000
"""Largest number of a table: seconds count in nanoseconds within 63 bits."""

_NEEDED = {
    _SESSIONS: ("session", "model"),
    _CALLS: ("session", "call", "start_s", "end_s", "input_tokens", "output_chars"),
    _TOOLS: ("session", "call", "tool"),
}


def sniff(folder: Path) -> bool:
    """Tell whether the folder holds the tables of sessions."""
    return all((folder / name).is_file() for name in _NEEDED)


def read_sessions(
    folder: Path, *, rate: float | None = None, count: int | None = None, seed: int = 0
) -> ProgramTable:
    """Read sessions as programs, each call behind the one before it and its tools.

    Of what the log does not say: answers have a token for four characters; the context of a session
    only grows; sessions of one model share the head of their prompts, as long as the shortest first
    prompt of any of them but 16 tokens, for runtimes send one system prompt and the tools'
    descriptions first. Tools of one call run in parallel or one after the other as logged: the gap
    is the time from the call's end to the next call's start.

    Parameters
    ----------
    folder
        Holds ``sessions.csv``, ``llm_calls.csv`` and ``tool_calls.csv``.
    rate
        Sessions a second: they come in the order of the file, with exponential times between them.
        Default: all at once.
    count
        How many sessions, at most.
    seed
        Of these times.

    Raises
    ------
    InputError
        For a table that cannot be read, lacks a column, or has an entry over several lines or a
        value that is no number, with the line.
    """
    tables = {name: _rows(folder, name) for name in _NEEDED}
    tools: dict[tuple[str, str], str] = {}
    for row in tables[_TOOLS]:
        tools.setdefault((row.text("session"), row.text("call")), row.text("tool"))
    calls: dict[str, list[Record]] = defaultdict(list)
    for row in tables[_CALLS]:
        calls[row.text("session")].append(row)
    chosen = [row for row in tables[_SESSIONS] if row.text("session") in calls][:count]
    if not chosen:
        expected = f"a session of {_CALLS} at least"
        raise InputError.single("sessions", "none", expected, str(folder / _SESSIONS))
    own = [(row.text("session"), row.text("model")) for row in chosen]
    numbers = {session: _numbers(folder, calls[session]) for session, _ in own}
    heads: dict[str, int] = {}
    for session, model in own:
        first = int(numbers[session][0][2])
        heads[model] = min(heads.get(model, first), first)
    streams = {model: number for number, model in enumerate(heads)}
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(1.0, len(chosen)) / rate if rate else np.zeros(len(chosen))
    programs = []
    for place, ((session, model), time) in enumerate(zip(own, np.cumsum(gaps), strict=True)):
        names = [tools.get((session, one.text("call"))) for one in calls[session]]
        head = heads[model] - _LEAST_OWN
        start = [(streams[model], head)] if head > 0 else []
        path = (start, len(streams) + place)
        programs.append(Program(float(time), _program(numbers[session], names, path), model))
    return program_table(programs)


def _program(
    numbers: list[tuple[float, float, float, float]],
    tools: list[str | None],
    path: tuple[list[tuple[int, int]], int],
) -> tuple[Call, ...]:
    """Return the calls of one session from start, end, tokens of the prompt and characters."""
    head, own = path
    calls: list[Call] = []
    context = 0
    for turn, (start, _, tokens, chars) in enumerate(numbers):
        answered = calls[-1].output_tokens if calls else 0
        context = max(int(tokens), context + answered)
        gap = max(0.0, start - numbers[turn - 1][1]) if turn else 0.0
        calls.append(
            Call(
                prompt_tokens=context,
                output_tokens=max(1, -(-int(chars) // _CHARS_PER_TOKEN)),
                path=(*head, (own, context)),
                after=(turn - 1,) if turn else (),
                gap_seconds=gap,
                tool=tools[turn - 1] if turn else None,
            )
        )
    return tuple(calls)


def _rows(folder: Path, name: str) -> list[Record]:
    path = folder / name
    found: list[Record] = []
    begun = 1
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            missing = [
                column for column in _NEEDED[name] if column not in (reader.fieldnames or ())
            ]
            if missing:
                raise InputError.single("line 1", f"no {missing[0]}", "that column", str(path))
            begun = reader.line_num + 1
            for row in reader:
                fields = {column: row[column] for column in _NEEDED[name]}
                for column, value in fields.items():
                    if "\n" in value:
                        raise InputError.single(
                            f"line {begun}, {column}",
                            f"an entry that ends in line {reader.line_num}",
                            "one line; is there a stray quote?",
                            str(path),
                        )
                found.append(Record(reader.line_num, fields, str(path)))
                begun = reader.line_num + 1
    except csv.Error as error:
        expected = "entries separated by commas, quotes in pairs"
        raise InputError.single(f"line {begun}", str(error), expected, str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError.single("file", str(error), "a readable table", str(path)) from None
    return found


def _place(row: Record) -> int:
    """Return the number of a call, -1 where it has none."""
    call = row.text("call")
    return int(call) if call.isascii() and call.isdigit() else -1


def _numbers(folder: Path, rows: list[Record]) -> list[tuple[float, float, float, float]]:
    """Return start, end, tokens and characters of a session's calls, in order."""
    found, faults = [], []
    for row in sorted(rows, key=_place):
        values = []
        for column in ("start_s", "end_s", "input_tokens", "output_chars"):
            try:
                value = float(row.text(column))
            except ValueError:
                value = -1.0
            least = 1 if column == "input_tokens" else 0
            if not least <= value <= _MOST:
                place = f"line {row.line}, {column}"
                expected = f"a number from {least} to {_MOST}"
                faults.append(Fault(place, excerpt(row.text(column)), expected))
            values.append(value)
        found.append((values[0], values[1], values[2], values[3]))
    if faults:
        raise InputError(faults, str(folder / _CALLS))
    return found
