"""Robots that carry glass between stations: dispatching rules against schedules with a bound.

Display factories move glass between stockers and equipment with transfer robots; a study of the
kind learns the next transfer by reinforcement in a simulator, with throughput as its reward, and
compares with dispatching rules. Its lines are not public. The lines here are robotic cells: a flow
shop of stations without buffers, one robot, empty travel between transfers. Each rule runs through
the cell event by event and sees only what waits; its schedule is an answer to the offline problem,
so the same check and the same bound hold for it. The search starts from the best of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean

from scheduling.errors import CheckError
from scheduling.instances.schedule.robot_cells import robot_cell
from scheduling.models.base import Status, TierValue
from scheduling.models.checking import check
from scheduling.models.schedule.problem import Machine, ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_JOBS = (4, 6, 8, 10)
_STATIONS = 4
_SEEDS = 2


@dataclass(frozen=True, slots=True)
class Transfer:
    """A job that waits to be carried on.

    Parameters
    ----------
    job
        Number of the job.
    since
        Since when it waits.
    empty
        Travel of the robot to where it stands.
    """

    job: int
    since: int
    empty: int


Rule = Callable[[Transfer], tuple[int, ...]]

RULES: dict[str, Rule] = {
    "first in, first out": lambda transfer: (transfer.job,),
    "nearest": lambda transfer: (transfer.empty, transfer.since, transfer.job),
    "longest waiting": lambda transfer: (transfer.since, transfer.job),
}
"""Dispatching rules: of the transfers that are possible, the one with the least key is next."""


@dataclass
class _Line:
    """A cell of one robot while it runs.

    Attributes
    ----------
    begun : tasks of each job that have begun.
    done : when the job can be carried on from where it stands.
    taken : station to the job on it.
    """

    problem: ScheduleProblem
    empty: dict[tuple[str | None, str], int] = field(init=False)
    begun: list[int] = field(init=False)
    done: list[int] = field(init=False)
    taken: dict[str | None, int] = field(default_factory=dict)
    state: str | None = None
    entries: list[ScheduledTask] = field(default_factory=list)

    def __post_init__(self) -> None:
        robot = self.problem.resources[-1]
        setups = robot.setups if isinstance(robot, Machine) else ()
        self.empty = {(entry.before, entry.after): entry.time for entry in setups}
        self.begun = [0] * len(self.problem.jobs)
        self.done = [0] * len(self.problem.jobs)

    def waiting(self) -> list[Transfer]:
        """Return the transfers whose destination is free, now or once the job is done."""
        found = []
        for number, job in enumerate(self.problem.jobs):
            rest = job.tasks[self.begun[number] :]
            if not rest:
                continue
            station = rest[1].modes[0].machine if len(rest) > 1 else None
            if station is None or station not in self.taken:
                travel = self.empty.get((self.state, rest[0].modes[0].state or ""), 0)
                found.append(Transfer(number, self.done[number], travel))
        return found

    def carry(self, transfer: Transfer, now: int) -> int:
        """Carry a job to its next station and return when the robot is free again."""
        job, number = self.problem.jobs[transfer.job], self.begun[transfer.job]
        start = now + transfer.empty
        self.taken = {name: who for name, who in self.taken.items() if who != transfer.job}
        arrival = self._run(job.tasks[number].id, start, job.tasks[number].modes[0].duration)
        self.state = job.tasks[number].modes[0].state
        if number + 1 < len(job.tasks):
            station = job.tasks[number + 1]
            self.taken[station.modes[0].machine] = transfer.job
            end = self._run(station.id, arrival, station.modes[0].duration)
            self.done[transfer.job] = end
        self.begun[transfer.job] = number + 2
        return arrival

    def _run(self, task: str, start: int, duration: int) -> int:
        self.entries.append(ScheduledTask(task=task, start=start, end=start + duration))
        return start + duration


def dispatch(problem: ScheduleProblem, rule: Rule) -> ScheduleSolution:
    """Run a rule through a cell of one robot, which decides whenever the robot is free.

    Raises
    ------
    CheckError
        When the schedule breaks the cell's rules.
    """
    line = _Line(problem)
    now = 0
    while possible := line.waiting():
        ready = [transfer for transfer in possible if transfer.since <= now]
        if ready:
            now = line.carry(min(ready, key=rule), now)
        else:
            now = min(transfer.since for transfer in possible)
    end = max(entry.end for entry in line.entries)
    solution = ScheduleSolution(
        status=Status.FEASIBLE,
        objective=end,
        tiers=(TierValue(name="makespan", objective=end),),
        tasks=tuple(line.entries),
    )
    violations = check(problem, solution)
    if violations:
        raise CheckError(f"the schedule of a dispatching rule failed the check: {violations[0]}")
    return solution


def run(limits: Run) -> list[Row]:
    """Run the rules and ``auto`` on cells of growing size; large ones get what small ones leave."""
    rows: list[Row] = []
    waiting = len(_JOBS) * _SEEDS
    for jobs in _JOBS:
        cells = [robot_cell(jobs=jobs, machines=_STATIONS, seed=seed) for seed in range(_SEEDS)]
        ruled = {name: [dispatch(cell, rule) for cell in cells] for name, rule in RULES.items()}
        answers: list[ScheduleSolution] = []
        for number, cell in enumerate(cells):
            start = min((found[number] for found in ruled.values()), key=_makespan)
            share = max(0.5, limits.left / waiting)
            answers.append(solve(cell, "auto", time_limit=share, hint=start))
            waiting -= 1
        bounds = [answer.bound or 0 for answer in answers]
        values = {name: list(map(_makespan, found)) for name, found in ruled.items()}
        values["auto"] = list(map(_makespan, answers))
        proven = sum(answer.status is Status.OPTIMAL for answer in answers)
        rows += _rows(jobs, values, bounds, f"{proven} of {_SEEDS} proven optimal")
    return rows


def _makespan(solution: ScheduleSolution) -> int | float:
    return max(entry.end for entry in solution.tasks)


def _rows(
    jobs: int, values: dict[str, list[int | float]], bounds: list[int | float], proven: str
) -> list[Row]:
    base = next(iter(RULES))
    return [
        Row(
            case=f"{jobs} jobs, {_STATIONS} stations, 1 robot: {_SEEDS} cells",
            measure="makespan, mean",
            baseline=base,
            baseline_value=fmean(values[base]),
            method=name,
            value=fmean(found),
            gap=fmean((v - b) / v for v, b in zip(found, bounds, strict=True)),
            published=None,
            verdict=proven
            if name == "auto"
            else f"{fmean(found) / fmean(bounds):.2f} of the bound",
        )
        for name, found in values.items()
    ]


SCENARIO = Scenario(
    name="glass",
    system="glass-transfer robots between stockers and equipment (rules, learned dispatching)",
    problem="flow shop with transport by robots and blocking",
    wants="nothing: robotic cells of the generator robot-cell",
    run=run,
    targets=(
        Target(("makespan", "^auto$"), at_most=1),
        Target(
            ("makespan", "^auto$"),
            of="gap",
            at_most=0,
            otherwise="larger cells need more time to be proven",
        ),
    ),
)
