"""Which typed problem and solution a document's ``kind`` stands for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from scheduling.errors import InputError
from scheduling.models.base import Problem, Solution

_HOMES = {
    "allocation": (
        "scheduling.models.allocation.problem:AllocationProblem",
        "scheduling.models.allocation.solution:AllocationSolution",
    ),
    "batching": (
        "scheduling.models.batching.problem:BatchingProblem",
        "scheduling.models.batching.solution:BatchingSolution",
    ),
    "caching": (
        "scheduling.models.caching.problem:CachingProblem",
        "scheduling.models.caching.solution:CachingSolution",
    ),
    "experts": (
        "scheduling.models.experts.problem:ExpertProblem",
        "scheduling.models.experts.solution:ExpertSolution",
    ),
    "fleet": (
        "scheduling.models.serving.fleet:Fleet",
        "scheduling.models.serving.solution:ServingSolution",
    ),
    "loop": (
        "scheduling.models.loop.problem:LoopProblem",
        "scheduling.models.loop.solution:LoopSolution",
    ),
    "memory": (
        "scheduling.models.memory.problem:MemoryProblem",
        "scheduling.models.memory.solution:MemorySolution",
    ),
    "ordering": (
        "scheduling.models.ordering.problem:OrderingProblem",
        "scheduling.models.ordering.solution:OrderingSolution",
    ),
    "placement": (
        "scheduling.models.placement.problem:PlacementProblem",
        "scheduling.models.placement.solution:PlacementSolution",
    ),
    "prefill": (
        "scheduling.models.prefill.problem:PrefillProblem",
        "scheduling.models.prefill.solution:PrefillSolution",
    ),
    "requests": (
        "scheduling.models.requests.scenario:RequestScenario",
        "",
    ),
    "schedule": (
        "scheduling.models.schedule.problem:ScheduleProblem",
        "scheduling.models.schedule.solution:ScheduleSolution",
    ),
    "serving": (
        "scheduling.models.serving.problem:ServingProblem",
        "scheduling.models.serving.solution:ServingSolution",
    ),
    "edge-cloud": (
        "scheduling.models.edge.problem:EdgeCloud",
        "scheduling.models.schedule.solution:ScheduleSolution",
    ),
    "packing": (
        "scheduling.models.packing.problem:PackingProblem",
        "scheduling.models.packing.solution:PackingSolution",
    ),
    "checkpoint": (
        "scheduling.models.checkpoint.problem:CheckpointProblem",
        "scheduling.models.checkpoint.solution:CheckpointSolution",
    ),
    "offload": (
        "scheduling.models.offload.problem:OffloadProblem",
        "scheduling.models.offload.solution:OffloadSolution",
    ),
    "leaf-spine": (
        "scheduling.models.spines.problem:LeafSpine",
        "scheduling.models.spines.solution:LeafSpineSolution",
    ),
    "ring": (
        "scheduling.models.ring.problem:RingProblem",
        "scheduling.models.ring.solution:RingSolution",
    ),
    "federated": (
        "scheduling.models.federated.problem:FederatedProblem",
        "scheduling.models.federated.solution:FederatedSolution",
    ),
    "pipeline": (
        "scheduling.models.pipeline.problem:PipelineProblem",
        "scheduling.models.pipeline.solution:PipelineSolution",
    ),
    "sharing": (
        "scheduling.models.sharing.problem:SharedCluster",
        "scheduling.models.schedule.solution:ScheduleSolution",
    ),
    "spot": (
        "scheduling.models.spot.problem:SpotProblem",
        "scheduling.models.spot.solution:SpotSolution",
    ),
    "table": (
        "scheduling.models.table.problem:TableProblem",
        "scheduling.models.table.solution:TableSolution",
    ),
    "tiers": (
        "scheduling.models.tiers.problem:TieredProblem",
        "scheduling.models.tiers.solution:TieredSolution",
    ),
    "online-schedule": (
        "scheduling.models.schedule.online:OnlineSchedule",
        "scheduling.models.schedule.solution:ScheduleSolution",
    ),
}

_SOLUTIONS = {"pareto": "scheduling.models.front:ParetoFront"}
"""Kinds of answers beside those of a single problem."""


def kinds() -> tuple[str, ...]:
    """Return the kinds of problems that files may state."""
    return tuple(_HOMES)


def problem_class(kind: object) -> type[Problem]:
    """Return the model of a kind of problem.

    Raises
    ------
    InputError
        When there is no such kind.
    """
    return cast("type[Problem]", _load(kind, 0))


def solution_class(kind: object) -> type[Solution]:
    """Return the model of the solutions of a kind of problem.

    Raises
    ------
    InputError
        When there is no such kind.
    """
    if isinstance(kind, str) and kind in _SOLUTIONS:
        return cast("type[Solution]", _named(_SOLUTIONS[kind]))
    return cast("type[Solution]", _load(kind, 1))


def has_solution(kind: str) -> bool:
    """Return whether the answers to problems of a kind are kept as files."""
    return bool(_HOMES[kind][1])


def _load(kind: object, position: int) -> object:
    if not isinstance(kind, str) or kind not in _HOMES:
        found = "nothing" if kind is None else repr(kind)
        raise InputError.single("kind", found, f"one of: {', '.join(_HOMES)}")
    home = _HOMES[kind][position]
    if not home:
        expected = "a kind whose answers are kept as files"
        raise InputError.single("kind", repr(kind), expected)
    return _named(home)


def _named(home: str) -> object:
    module, name = home.split(":")
    return getattr(import_module(module), name)
