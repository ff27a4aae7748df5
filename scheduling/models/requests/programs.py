"""Agent programs: calls of a language model that follow each other, with tools in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.table import RequestTable

Ints = NDArray[np.int64]

NO_TOOL = -1
"""Tool of a call that waits for no tool."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a program.

    Parameters
    ----------
    prompt_tokens, output_tokens
        Tokens of its prompt, the whole context, and of its answer.
    path
        Streams of the prompt with their ends, as of :class:`Paths`.
    after
        Calls of the program that have to end first, by their place in it; none: it comes with the
        program.
    gap_seconds
        Seconds of tools between the end of the last of these and its coming.
    tool
        Name of the tool that takes them.
    agent
        Step of the workflow that it is.
    """

    prompt_tokens: int
    output_tokens: int
    path: tuple[tuple[int, int], ...]
    after: tuple[int, ...] = ()
    gap_seconds: float = 0.0
    tool: str | None = None
    agent: str = "agent"


@dataclass(frozen=True, slots=True)
class Program:
    """A program: its calls, each behind those that it waits for.

    Parameters
    ----------
    arrival_seconds
        When it comes.
    calls
        Its calls.
    demand
        Class of requests that they are.
    """

    arrival_seconds: float
    calls: tuple[Call, ...]
    demand: str = "all"


@dataclass(frozen=True, eq=False)
class ProgramTable:
    """Programs as columns, one row a call; the calls of a program stand together, in order.

    Parameters
    ----------
    requests
        Prompt and answer of every call; they come when their program does, or later. Nothing of
        them is cached beforehand.
    program
        Program of each call, from 0, ascending.
    after, after_starts
        Rows of the calls that each waits for, call after call, and where those of each call start.
    gap_ns
        Nanoseconds of tools between the end of the last of these and the call.
    tool, tools
        Row of ``tools`` of each, -1 without one; their names.
    agent, agents
        Row of ``agents`` of each; their names.
    paths
        Streams of the prompts.

    Raises
    ------
    InputError
        When a call waits for what does not stand before it in its program.
    """

    requests: RequestTable
    program: Ints
    after: Ints
    after_starts: Ints
    gap_ns: Ints
    tool: Ints
    tools: tuple[str, ...]
    agent: Ints
    agents: tuple[str, ...]
    paths: Paths

    def __post_init__(self) -> None:
        waits = np.repeat(np.arange(len(self)), np.diff(self.after_starts))
        odd = (self.after >= waits) | (self.after < 0)
        odd |= self.program[np.where(odd, 0, self.after)] != self.program[waits]
        faults = [
            Fault(f"after[{at}]", str(self.after[at]), "an earlier call of the same program")
            for at in np.flatnonzero(odd)[:1].tolist()
        ]
        if (np.diff(self.program, prepend=0) < 0).any():
            faults.append(Fault("program", "a call behind those of a later one", "ascending"))
        firsts = np.diff(self.after_starts) == 0
        strange = np.flatnonzero((self.gap_ns < 0) | (firsts & (self.gap_ns != 0)))
        faults += [
            Fault(f"gap_ns[{at}]", str(self.gap_ns[at]), "at least 0, and 0 behind no call")
            for at in strange[:1].tolist()
        ]
        if faults:
            raise InputError(faults)

    def __len__(self) -> int:
        return len(self.requests)

    @property
    def count(self) -> int:
        """Programs."""
        return int(self.program[-1]) + 1 if len(self.program) else 0

    @property
    def firsts(self) -> Ints:
        """Row of the first call of each program."""
        return np.flatnonzero(np.diff(self.program, prepend=-1))

    def waits(self, row: int) -> Ints:
        """Return the calls that one waits for."""
        return self.after[self.after_starts[row] : self.after_starts[row + 1]]

    def at_rate(self, rate: float) -> ProgramTable:
        """Return the same programs, coming at this mean rate a second."""
        arrivals = self.requests.arrival_ns
        span = float(arrivals[-1]) / 1e9
        if not span:
            return self
        factor = (self.count - 1) / span / rate
        stretched = np.rint(arrivals * factor).astype(np.int64)
        return replace(self, requests=replace(self.requests, arrival_ns=stretched))


def program_table(programs: Sequence[Program]) -> ProgramTable:
    """Put programs into columns, in order of their coming.

    Raises
    ------
    InputError
        When there is none, or one has no calls.
    """
    empty = [number for number, program in enumerate(programs) if not program.calls]
    if empty or not programs:
        place = f"programs[{empty[0]}].calls" if empty else "programs"
        raise InputError.single(place, "none", "at least one")
    ordered = sorted(programs, key=lambda program: program.arrival_seconds)
    demands: dict[str, int] = {}
    tools: dict[str, int] = {}
    agents: dict[str, int] = {}
    rows: list[tuple[int, ...]] = []
    after: list[list[int]] = []
    calls: list[Call] = []
    for number, program in enumerate(ordered):
        first = len(rows)
        arrival = round(program.arrival_seconds * 1e9)
        demand = demands.setdefault(program.demand, len(demands))
        for call in program.calls:
            tool = NO_TOOL if call.tool is None else tools.setdefault(call.tool, len(tools))
            agent = agents.setdefault(call.agent, len(agents))
            gap = round(call.gap_seconds * 1e9)
            sizes = (call.prompt_tokens, call.output_tokens)
            rows.append((number, arrival, *sizes, demand, gap, tool, agent))
            after.append([first + place for place in call.after])
            calls.append(call)
    columns = np.array(rows, dtype=np.int64).T
    zeros = np.zeros(len(rows), dtype=np.int64)
    return ProgramTable(
        requests=RequestTable(
            columns[1], columns[2], columns[3], columns[4], zeros, tuple(demands)
        ),
        program=columns[0],
        after=np.array([row for waits in after for row in waits], dtype=np.int64),
        after_starts=np.concatenate(([0], np.cumsum([len(waits) for waits in after]))),
        gap_ns=columns[5],
        tool=columns[6],
        tools=tuple(tools),
        agent=columns[7],
        agents=tuple(agents),
        paths=Paths.of([call.path for call in calls]),
    )
