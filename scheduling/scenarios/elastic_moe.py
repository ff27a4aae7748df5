"""Scaling a mixture-of-experts deployment: which experts move to which accelerator.

ElasticMoE adds and removes single accelerators under a running deployment and copies as few expert
weights as it can from device to device. Here the redistribution is the typed problem: the loads may
not exceed those that EPLB's rule reaches from scratch on the new devices, and the copied bytes are
least, with a bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.instances.experts.random_layers import expert_layer
from scheduling.models.experts.problem import LOAD_SCALE, Device, ExpertProblem
from scheduling.models.experts.solution import ExpertSolution
from scheduling.scenarios.eplb import copied, holding
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

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
    share = max(_LEAST_SECONDS, limits.seconds / len(STEPS) / _SEEDS)
    return [_row(step, list(_solved(step, share))) for step in STEPS]


def _solved(step: Step, seconds: float) -> Iterator[tuple[int, int, int]]:
    """Yield the experts that EPLB's rule copies, those copied here, and the bound."""
    for seed in range(_SEEDS):
        problem, scratch = redistribution(step, seed)
        answer: ExpertSolution = solve(problem, time_limit=seconds)
        yield copied(problem, scratch), int(answer.objective or 0), int(answer.bound or 0)


def _row(step: Step, found: list[tuple[int, int, int]]) -> Row:
    scratch, least, bound = (sum(column) / len(found) for column in zip(*found, strict=True))
    return Row(
        case=f"{step.case}, {len(found)} seeds",
        measure="experts copied, at the balance of EPLB's rule",
        baseline="EPLB's rule from scratch",
        baseline_value=scratch,
        method="auto",
        value=least,
        gap=1.0 - bound / least if least else 0.0,
        published=_PUBLISHED,
        verdict=f"{scratch / least:.1f} times fewer copies" if least else "nothing to copy",
    )


SCENARIO = Scenario(
    name="elastic-moe",
    system="ElasticMoE: elastic scaling of mixture-of-experts models",
    problem="experts on more or fewer devices with the least copies",
    wants="nothing: seeded layers of experts",
    run=run,
    targets=(
        Target(("experts copied",), at_most=1),
        Target(
            ("experts copied",),
            of="gap",
            at_most=0,
            otherwise="the time did not suffice to prove every step",
        ),
    ),
)
