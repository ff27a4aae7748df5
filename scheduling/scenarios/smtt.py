"""Single-machine total tardiness: rules found with language models against proven optima.

"Discovering Heuristics with LLMs for MIPs: Single-Machine Scheduling" (arXiv 2510.24013) finds
EDDC and MDDC and compares them with EDD, MDD and PSK on 200 instances of 100 jobs, by the mean gap
over those whose optimum is not 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from scheduling.instances.schedule.tardiness import random_tardiness, read_jsonl_collection
from scheduling.models.schedule.arrays import Ints
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.scenarios.scenario import Row, Run, Scenario, Target, TooShortError
from scheduling.scenarios.solving import solve
from scheduling.solvers.schedule.tardiness import heuristics
from scheduling.solvers.schedule.tardiness.machine import OneMachine

_FILE = "smtt/instances.jsonl"
_JOBS = 100
_RANGES = (0.2, 0.4, 0.6, 0.8, 1.0)
_LATENESSES = (0.2, 0.4, 0.6, 0.8)

_PUBLISHED = {"EDD": 59.6, "EDDC": 28.12, "MDD": 1.81, "PSK": 1.79, "MDDC": 1.52}
"""Mean gaps in percent for 100 jobs."""

_MEMORIZE_SECONDS = 0.020
"""Branch and Memorize for 100 jobs, as published there."""

_METHODS: dict[str, Callable[[OneMachine], Ints]] = {
    "EDD": heuristics.earliest_due,
    "EDDC": heuristics.eddc,
    "MDD": lambda machine: heuristics.dispatched(machine, "MDD"),
    "PSK": heuristics.psk,
    "MDDC": heuristics.mddc,
}


@dataclass(frozen=True, slots=True)
class _Solved:
    """An instance with the exact method's answer."""

    machine: OneMachine
    value: int
    bound: int
    seconds: float

    @property
    def proven(self) -> bool:
        return self.value == self.bound


def run(limits: Run) -> list[Row]:
    """Run the rules and the exact method on every instance that the time allows."""
    problems, source = _instances(limits)
    solved = []
    for problem in limits.each(problems):
        answer = solve(problem, "tardiness", time_limit=max(1.0, limits.left / 4), workers=1)
        machine = OneMachine.of(compile_arrays(problem))
        solved.append(_Solved(machine, answer.objective, answer.bound or 0, answer.seconds))
    late = [entry for entry in solved if entry.proven and entry.bound > 0]
    if len(late) < 2:
        found = f"{limits.seconds:g} seconds, enough to prove {len(late)} instances"
        raise TooShortError.single("time", found, "enough for at least two")
    case = f"{len(late)} of {len(problems)} {source} instances, n = {_JOBS}, optimum above 0"
    return [*_rule_rows(late, case), _exact_row(solved, len(problems), source)]


def _instances(limits: Run) -> tuple[list[ScheduleProblem], str]:
    if limits.data is not None:
        path = limits.file("smtt", _FILE)
        found = read_jsonl_collection(path.read_text(encoding="utf-8"), str(path))
        problems = [jobs.problem() for jobs in found if len(jobs.dues) == _JOBS]
        # In random order, so that those which the time allows stand for all classes.
        order = np.random.default_rng(0).permutation(len(problems)).tolist()
        return [problems[number] for number in order], "published"
    problems = [
        random_tardiness(jobs=_JOBS, due_range=width, lateness=lateness, seed=seed)
        for seed in range(2)
        for width in _RANGES
        for lateness in _LATENESSES
    ]
    return problems, "generated"


def _rule_rows(late: list[_Solved], case: str) -> list[Row]:
    gaps = {
        name: [
            100 * (entry.machine.value(method(entry.machine)) - entry.value) / entry.value
            for entry in late
        ]
        for name, method in _METHODS.items()
    }
    base = fmean(gaps["EDD"])
    return [
        Row(
            case=case,
            measure="mean gap to the optimum, %",
            baseline="EDD",
            baseline_value=base,
            method=name,
            value=fmean(values),
            gap=0.0 if all(entry.proven for entry in late) else None,
            published=f"{_PUBLISHED[name]:g} % on all 200 instances",
            verdict=_verdict(values, _PUBLISHED[name]),
        )
        for name, values in gaps.items()
    ]


def _verdict(values: list[float], published: float) -> str:
    """Compare a mean with the published one: the instances are others, or only a part of them."""
    error = stdev(values) / len(values) ** 0.5
    near = abs(fmean(values) - published) <= 2 * error
    return f"{'agrees' if near else 'differs'} (standard error {error:.2f})"


def _exact_row(solved: list[_Solved], total: int, source: str) -> Row:
    gap = max((entry.value - entry.bound) / entry.value for entry in solved if entry.value)
    proven = sum(entry.proven for entry in solved)
    return Row(
        case=f"{len(solved)} of {total} {source} instances, n = {_JOBS}",
        measure="seconds per instance, mean",
        baseline="Branch and Memorize as published",
        baseline_value=_MEMORIZE_SECONDS,
        method="tardiness",
        value=fmean(entry.seconds for entry in solved),
        gap=gap,
        published=f"{_MEMORIZE_SECONDS:g} s",
        verdict=f"{proven} of {len(solved)} proven optimal",
    )


SCENARIO = Scenario(
    name="smtt",
    system="EDDC and MDDC, rules found with language models (arXiv 2510.24013)",
    problem="single machine, least total tardiness",
    wants=f"{_FILE}; without data sets, instances of the published generator",
    run=run,
    targets=(
        Target(
            ("gap to the optimum", "^MDDC$"),
            of="value",
            at_least=1,
            at_most=2.1,
            better="less",
            otherwise="the time sufficed for a part of the 200 instances",
        ),
        Target(
            ("seconds per instance",),
            of="gap",
            at_most=0,
            otherwise="the time did not suffice to prove every instance",
        ),
    ),
)
