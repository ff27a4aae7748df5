"""What draws the solutions of each kind of problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scheduling.instances.kinds import solution_class
from scheduling.models.base import Problem, Solution
from scheduling.report.results.charts import curves, filling, memories, timelines
from scheduling.report.results.content import Chart

CHARTS: dict[str, Callable[[Any, Any], list[Chart]]] = {
    "allocation": curves.allocation,
    "batching": timelines.batching,
    "caching": memories.caching,
    "checkpoint": curves.checkpoint,
    "experts": filling.experts,
    "federated": curves.federated,
    "leaf-spine": curves.spines,
    "loop": timelines.loop,
    "memory": memories.memory,
    "offload": timelines.offload,
    "ordering": timelines.ordering,
    "packing": filling.packing,
    "pipeline": timelines.pipeline,
    "placement": filling.placement,
    "prefill": timelines.prefill,
    "ring": curves.ring,
    "schedule": timelines.schedule,
    "spot": timelines.spot,
    "table": filling.table,
    "tiers": memories.tiers,
}
"""What draws a problem with its solution, by kind."""


def own_charts(problem: Problem, solution: Solution | Mapping[str, Any]) -> list[Chart]:
    """Return the charts of a solution beside its problem; none where its kind has none."""
    if isinstance(solution, Mapping):
        solution = solution_class(solution["kind"]).model_validate(solution)
    draw = CHARTS.get(solution.kind)
    return [] if draw is None else draw(problem, solution)
