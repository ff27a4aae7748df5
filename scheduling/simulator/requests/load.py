"""The requests of a scenario: drawn, or read from a trace or from sessions of agents."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from scheduling.errors import InputError
from scheduling.models.requests.agents import draw_programs
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.programs import ProgramTable
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import sample
from scheduling.simulator.requests.capacity import at_rate


@dataclass(frozen=True, eq=False, slots=True)
class Load:
    """What comes.

    Attributes
    ----------
    table
        The requests.
    notes
        What people should know of the file that they are from.
    programs
        Whose calls they are; ``None``: they come by themselves.
    paths
        What their prompts share; ``None``: unknown.
    """

    table: RequestTable
    notes: tuple[str, ...] = ()
    programs: ProgramTable | None = None
    paths: Paths | None = None


def read_load(
    problem: RequestScenario,
    trace: str | PathLike[str] | None,
    folder: Path,
    *,
    strict: bool,
    seed: int,
) -> Load:
    """Read the requests of a scenario, or draw them.

    Parameters
    ----------
    problem
        The scenario.
    trace
        Requests of this file instead of its own; ``None``: its own.
    folder
        Where its own trace lies.
    strict
        Refuse a trace with broken rows, or rows out of order.
    seed
        Seed of the draws.

    Raises
    ------
    InputError
        For a trace that cannot be read, and where nothing comes.
    """
    from scheduling.instances.requests import sessions
    from scheduling.instances.requests.reading import read_requests

    path = trace
    if path is None and problem.trace is not None:
        path = folder / problem.trace
    notes: tuple[str, ...] = ()
    paths = None
    if path is not None and sessions.sniff(Path(path)):
        if problem.seconds is not None:
            expected = "requests, so many of the sessions, instead"
            raise InputError.single("seconds", f"{problem.seconds:g}", expected)
        return _programs(
            sessions.read_sessions(Path(path), rate=problem.rate, count=problem.requests, seed=seed)
        )
    if path is None and problem.programs is not None:
        drawn = draw_programs(problem.programs, problem.requests or 0, seed)
        return _programs(drawn if problem.rate is None else drawn.at_rate(problem.rate))
    if path is not None:
        found = read_requests(path, strict=strict, seed=seed)
        table, notes = found.table.first(problem.requests, problem.seconds), found.notes
        if found.blocks is not None:
            blocks = found.blocks.taken(np.arange(len(table)))
            paths = Paths.of_blocks(blocks, table.prompt_tokens)
    elif problem.workload is not None:
        table = sample(
            problem.workload, requests=problem.requests, seconds=problem.seconds, seed=seed
        )
    else:
        raise InputError.single("trace", "nothing", "a trace or a workload")
    if not len(table):
        raise InputError.single("requests", "none", "at least one request")
    table = table if problem.rate is None else at_rate(table, problem.rate)
    return Load(table, notes, paths=paths)


def _programs(programs: ProgramTable) -> Load:
    return Load(programs.requests, programs=programs)
