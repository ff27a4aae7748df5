"""AgentCgroup (arXiv 2602.09345): how much memory to reserve for coding agents on one host.

The memory of an agent's container has short peaks, when it runs tests, far above its average. A
host that reserves one limit for all, or each session's own peak, runs few sessions side by side.
Reserving phase by phase lets peaks of some meet valleys of others; a phase that finds no room
waits. Sessions are jobs whose phases are tasks in a chain on one cumulative resource, the memory.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import NamedTuple

from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_FILE = "agent_swebench/container_resources.csv"
_HOST = 4096
"""Megabytes, which hold the largest recorded session."""

_PHASES = 12
_LEAST_SECONDS = 0.5
_SHORTEST = 60


class Phase(NamedTuple):
    """A stretch of a session.

    Attributes
    ----------
    seconds
        Its length.
    memory
        Its largest use, in MB.
    """

    seconds: int
    memory: int


@dataclass(frozen=True, slots=True)
class Session:
    """A recorded session as consecutive phases.

    Attributes
    ----------
    name
        Of the container.
    phases
        What is reserved, phase by phase.
    used
        Memory times time of the record itself, in MB seconds.
    """

    name: str
    phases: tuple[Phase, ...]
    used: float = 0.0

    @property
    def peak(self) -> int:
        """Largest use of memory, in MB."""
        return max(phase.memory for phase in self.phases)

    @property
    def seconds(self) -> int:
        """Whole length."""
        return sum(phase.seconds for phase in self.phases)


def phases(samples: Sequence[tuple[float, float]]) -> tuple[Phase, ...]:
    """Sum samples of time and memory up as phases.

    Neighbouring phases are merged, always the two that waste the least memory times time, until few
    are left.
    """
    found = [
        Phase(max(1, round(after) - round(before)), ceil(memory))
        for (before, memory), (after, _) in pairwise(samples)
    ]
    while len(found) > _PHASES:
        waste = [_merged_area(a, b) for a, b in pairwise(found)]
        pick = waste.index(min(waste))
        one, other = found[pick], found[pick + 1]
        merged = Phase(one.seconds + other.seconds, max(one.memory, other.memory))
        found[pick : pick + 2] = [merged]
    return tuple(found)


def _merged_area(one: Phase, other: Phase) -> int:
    shorter = one.seconds if one.memory < other.memory else other.seconds
    return abs(one.memory - other.memory) * shorter


def sessions(path: Path) -> list[Session]:
    """Read the sessions that last at least a minute and fit into the host."""
    samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            samples[row["session"]].append((float(row["t_s"]), float(row["mem_mb"])))
    found = [Session(name, phases(entries), _used(entries)) for name, entries in samples.items()]
    return [one for one in found if one.seconds >= _SHORTEST and one.peak <= _HOST]


def _used(samples: Sequence[tuple[float, float]]) -> float:
    return sum((after - before) * memory for (before, memory), (after, _) in pairwise(samples))


def host(found: Sequence[Session], reserved: Sequence[Sequence[Phase]]) -> ScheduleProblem:
    """State the sessions with what each reserves over time; all are there from the start."""
    jobs = [
        {
            "id": session.name,
            "tasks": [
                {
                    "id": f"{session.name}.{number}",
                    "modes": [{"duration": phase.seconds, "demands": {"memory": phase.memory}}],
                }
                for number, phase in enumerate(stretches)
            ],
        }
        for session, stretches in zip(found, reserved, strict=True)
    ]
    chains = [
        {"before": f"{session.name}.{number}", "after": f"{session.name}.{number + 1}"}
        for session, stretches in zip(found, reserved, strict=True)
        for number in range(len(stretches) - 1)
    ]
    memory = {"type": "renewable", "id": "memory", "capacity": _HOST}
    fields = {"resources": [memory], "jobs": jobs, "precedences": chains, "objective": "makespan"}
    return ScheduleProblem.model_validate({"name": f"{len(jobs)} sessions", **fields})


def run(limits: Run) -> list[Row]:
    """Finish the same sessions under three ways to reserve memory."""
    found = sessions(limits.file("agentcgroup", _FILE))
    highest = max(session.peak for session in found)
    ways: dict[str, list[Sequence[Phase]]] = {
        "one limit for all": [[Phase(one.seconds, highest)] for one in found],
        "each session's peak": [[Phase(one.seconds, one.peak)] for one in found],
        "phase by phase": [one.phases for one in found],
    }
    share = max(_LEAST_SECONDS, limits.seconds / len(ways))
    answers = {name: solve(host(found, way), time_limit=share) for name, way in ways.items()}
    limit, peak, phased = ways
    pairs = ((peak, limit), (phased, limit), (phased, peak))
    least = sum(session.used for session in found) / _HOST
    case = f"{len(found)} recorded sessions on a host of {_HOST} MB"
    return [_row(case, name, answers[name], other, answers[other], least) for name, other in pairs]


def _row(
    case: str,
    name: str,
    answer: ScheduleSolution,
    other: str,
    first: ScheduleSolution,
    least: float,
) -> Row:
    took, base = float(answer.objective or 0), float(first.objective or 0)
    return Row(
        case=case,
        measure="seconds until all sessions are done",
        baseline=other,
        baseline_value=base,
        method=name,
        value=took,
        gap=answer.gap,
        published="peak over average up to 15.4 times (2602.09345)",
        verdict=f"{base / took:.2f} times the sessions per hour; no way to reserve what they use "
        f"reaches {base / least:.2f} times",
    )


SCENARIO = Scenario(
    name="agentcgroup",
    system="AgentCgroup: memory of coding agents on one host (2602.09345)",
    problem="coding agents by their memory on one host",
    wants=_FILE,
    run=run,
    targets=(
        Target(
            ("phase by phase", "^each session's peak$"),
            at_least=1 / 15.4,
            at_most=1 / 1.5,
            better="less",
            otherwise="these sessions use most of their peaks most of the time",
        ),
        Target(("phase by phase", "^one limit for all$"), at_most=1),
    ),
)
