"""Scaling a mixture-of-experts deployment: which experts move to which accelerator.

ElasticMoE adds and removes single accelerators under a running deployment and copies as few expert
weights as it can from device to device. Where the new groups of experts are those that EPLB's rule
plans from scratch, which device takes which is an assignment, whose optimum is the least that can
be copied. Beyond that the redistribution is the typed problem: the loads may not exceed those of
the rule, any groups may be, and the copied bytes are least, with a bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scheduling.instances.experts.random_layers import expert_layer
from scheduling.models.experts.arrays import ExpertArrays, Ints, compile_experts
from scheduling.models.experts.problem import LOAD_SCALE, Device, ExpertProblem
from scheduling.models.experts.solution import ExpertSolution
from scheduling.scenarios.eplb import holding
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.solvers.experts.family import CompiledExperts
from scheduling.solvers.experts.relabel import relabelled

_LEAST_SECONDS = 0.5
_PUBLISHED = "scale-up 9 times faster (2.4 s from 3 to 4 ranks, against 67 s from a cold start)"


@dataclass(frozen=True, slots=True)
class Step:
    """A layer of experts that goes from one number of devices to another."""

    experts: int
    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def case(self) -> str:
        """The step in words."""
        return f"{self.experts} experts, {self.before[0]} to {self.after[0]} devices"


STEPS = (
    Step(64, (3, 24), (4, 18)),
    Step(64, (4, 18), (3, 24)),
    Step(256, (32, 9), (36, 8)),
    Step(256, (36, 8), (32, 9)),
)
"""Numbers of devices and of slots on each, before and after."""

_SEEDS = 3


def redistribution(step: Step, seed: int) -> tuple[ExpertProblem, ExpertSolution]:
    """Return the problem of a step, and what EPLB's rule plans from scratch.

    Devices that leave can be copied from, so that their experts are no loss; those that stay keep
    their names.
    """
    devices, slots = step.before
    running = expert_layer(
        experts=step.experts, devices=devices, slots=slots, nodes=1, groups=1, seed=seed
    )
    placed = holding(running, solve(running, "eplb", work_limit=1))
    count, room = step.after
    stay = [device.model_copy(update={"slots": room}) for device in placed.devices[:count]]
    fresh = [Device(id=f"gpu-{number:03d}", slots=room) for number in range(len(stay), count)]
    target = placed.model_copy(update={"devices": (*stay, *fresh), "goals": ("load",)})
    scratch: ExpertSolution = solve(target, "eplb", work_limit=1)
    limit = float(scratch.objective or 0) / LOAD_SCALE
    return target.model_copy(update={"goals": ("bytes",), "max_load": limit}), scratch


def run(limits: Run) -> list[Row]:
    """Redistribute the experts of every step."""
    return [
        row
        for number, step in enumerate(STEPS)
        for row in _rows(step, list(_solved(step, limits.share(len(STEPS) - number))))
    ]


@dataclass(frozen=True, slots=True)
class Copies:
    """Experts copied in a step.

    By EPLB's rule, with its groups moved (``best``: proven least), and by ``auto``, with its bound.
    """

    scratch: int
    moved: int
    best: bool
    least: int
    bound: int


def moved(problem: ExpertProblem, scratch: ExpertSolution) -> tuple[ExpertArrays, Ints, Ints]:
    """Return a plan's table of copies, and that with its groups where most of them is held."""
    arrays = compile_experts(problem)
    counts = CompiledExperts(problem).candidate(scratch)
    if counts is None:
        raise AssertionError("the rule's plan is no placement")
    return arrays, counts, relabelled(arrays, counts)


def none_saves(arrays: ExpertArrays, counts: Ints) -> bool:
    """Tell whether no exchange of whole groups between devices of equal room copies less.

    An assignment is best where no exchange in a circle saves anything, that is, where the graph of
    what each group costs more on another device has no circle of negative length.
    """
    copies = (counts > 0).astype(np.int64) @ np.where(arrays.held, 0, arrays.size).T
    longer = (copies - np.diag(copies)[:, None]).astype(float)
    longer[arrays.slots[:, None] != arrays.slots[None, :]] = np.inf
    for over in range(len(longer)):
        longer = np.minimum(longer, longer[:, over, None] + longer[None, over])
    return bool((np.diag(longer) >= 0).all())


def _solved(step: Step, limits: Run) -> Iterator[Copies]:
    for seed in range(_SEEDS):
        problem, scratch = redistribution(step, seed)
        arrays, counts, matched = moved(problem, scratch)
        seconds = max(_LEAST_SECONDS, limits.share(_SEEDS - seed).left)
        answer: ExpertSolution = solve(problem, time_limit=seconds)
        yield Copies(
            arrays.copied(counts),
            arrays.copied(matched),
            none_saves(arrays, matched),
            int(answer.objective or 0),
            int(answer.bound or 0),
        )


def _rows(step: Step, found: list[Copies]) -> list[Row]:
    scratch = sum(one.scratch for one in found) / len(found)
    matched = sum(one.moved for one in found) / len(found)
    least = sum(one.least for one in found) / len(found)
    bound = sum(one.bound for one in found) / len(found)
    proven = 0.0 if all(one.best for one in found) else None
    cases: tuple[tuple[str, float, float | None], ...] = (
        ("groups of EPLB's rule, each to the device that suits it", matched, proven),
        ("auto", least, 1.0 - bound / least if least else 0.0),
    )
    return [
        Row(
            case=f"{step.case}, {len(found)} seeds",
            measure="experts copied, at the balance of EPLB's rule",
            baseline="EPLB's rule from scratch",
            baseline_value=scratch,
            method=method,
            value=value,
            gap=gap,
            published=_PUBLISHED,
            verdict=f"{scratch / value:.1f} times fewer copies" if value else "nothing to copy",
        )
        for method, value, gap in cases
    ]


SCENARIO = Scenario(
    name="elastic-moe",
    system="ElasticMoE: elastic scaling of mixture-of-experts models",
    problem="experts on more or fewer devices with the least copies",
    wants="nothing: seeded layers of experts",
    run=run,
    targets=(
        Target(("^groups of EPLB's rule",), of="gap", at_most=0),
        Target(("^groups of EPLB's rule",), at_most=1),
        Target(("^auto$",), at_most=1),
    ),
)
