"""Which problems have a chart of their solutions, and how its file is named."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from scheduling.errors import UnsupportedError
from scheduling.models.base import Problem, Solution
from scheduling.report.pictures import SUFFIXES, check_suffix, write_picture

_CHARTS = {
    "allocation": "scheduling.report.allocation.chart",
    "batching": "scheduling.report.batching.chart",
    "caching": "scheduling.report.caching.chart",
    "checkpoint": "scheduling.report.checkpoint.chart",
    "experts": "scheduling.report.experts.chart",
    "federated": "scheduling.report.federated.chart",
    "leaf-spine": "scheduling.report.spines.chart",
    "loop": "scheduling.report.loop.chart",
    "memory": "scheduling.report.memory.chart",
    "offload": "scheduling.report.offload.chart",
    "ordering": "scheduling.report.ordering.chart",
    "packing": "scheduling.report.packing.chart",
    "pipeline": "scheduling.report.pipeline.chart",
    "prefill": "scheduling.report.prefill.chart",
    "ring": "scheduling.report.ring.chart",
    "spot": "scheduling.report.spot.chart",
    "table": "scheduling.report.table.chart",
    "tiers": "scheduling.report.tiers.chart",
}
"""Module by kind; its ``draw`` draws a solution into a figure."""

_SCHEDULE = "schedule"
"""The kind whose charts may be pages too."""


def kinds_with_charts() -> set[str]:
    """Name the kinds of problems whose solutions have a chart."""
    return {_SCHEDULE, *_CHARTS}


def chart_writer(problem: Problem, path: Path) -> Callable[[Any], None]:
    """Return what draws a solution of a problem into a file, for a check before a long search.

    Raises
    ------
    InputError
        For a name that no chart of such problems ends in.
    UnsupportedError
        When there is no chart of problems of its kind.
    """
    if problem.kind == _SCHEDULE:
        check_suffix(path, (".html", *SUFFIXES))
        return partial(_gantt, problem, path)
    if problem.kind not in _CHARTS:
        known = ", ".join(sorted(kinds_with_charts()))
        raise UnsupportedError(f"no chart of problems of kind {problem.kind!r}, only of: {known}")
    check_suffix(path)
    return partial(_picture, problem, path)


def write_chart(problem: Problem, solution: Solution, path: str | Path) -> None:
    """Write a chart of a solution, whole or not at all; the suffix of its name chooses the form.

    Parameters
    ----------
    problem, solution
        What was asked and what is drawn; the solution may be without an answer.
    path
        Where to write, ``.png`` or ``.svg``, of schedules ``.html`` too; an existing file is
        replaced.

    Raises
    ------
    InputError
        For another suffix, or a place that cannot be written.
    UnsupportedError
        When there is no chart of problems of its kind.
    """
    chart_writer(problem, Path(path))(solution)


def _gantt(problem: Any, path: Path, solution: Any) -> None:
    from scheduling.report.gantt import write_gantt

    write_gantt(problem, solution, path)


def _picture(problem: Problem, path: Path, solution: Any) -> None:
    draw = import_module(_CHARTS[problem.kind]).draw
    write_picture(lambda figure: draw(problem, solution, figure), path)
