"""Which problems have a chart of their solutions, and how its file is named."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from scheduling.errors import UnsupportedError
from scheduling.models.base import Problem
from scheduling.report.pictures import SUFFIXES, check_suffix

_WRITERS = {
    "allocation": ("scheduling.report.allocation.chart", "write_allocation", SUFFIXES),
    "batching": ("scheduling.report.batching.chart", "write_batching", SUFFIXES),
    "checkpoint": ("scheduling.report.checkpoint.chart", "write_checkpoint", SUFFIXES),
    "federated": ("scheduling.report.federated.chart", "write_federated", SUFFIXES),
    "leaf-spine": ("scheduling.report.spines.chart", "write_spines", SUFFIXES),
    "loop": ("scheduling.report.loop.chart", "write_loop", SUFFIXES),
    "memory": ("scheduling.report.memory.chart", "write_memory", SUFFIXES),
    "pipeline": ("scheduling.report.pipeline.chart", "write_pipeline", SUFFIXES),
    "prefill": ("scheduling.report.prefill.chart", "write_prefill", SUFFIXES),
    "ring": ("scheduling.report.ring.chart", "write_ring", SUFFIXES),
    "schedule": ("scheduling.report.gantt", "write_gantt", (".html", *SUFFIXES)),
    "tiers": ("scheduling.report.tiers.chart", "write_tiers", SUFFIXES),
}
"""Module and function by kind, and the endings of the names that it takes."""


def chart_writer(problem: Problem, path: Path) -> Callable[[Any], None]:
    """Return what draws a solution of a problem into a file, for a check before a long search.

    Raises
    ------
    InputError
        For a name that no chart of such problems ends in.
    UnsupportedError
        When there is no chart of problems of its kind.
    """
    if problem.kind not in _WRITERS:
        raise UnsupportedError(f"there is no chart of problems of kind {problem.kind!r}")
    module, name, suffixes = _WRITERS[problem.kind]
    check_suffix(path, suffixes)
    return partial(_write, module, name, problem, path)


def _write(module: str, name: str, problem: Problem, path: Path, solution: Any) -> None:
    getattr(import_module(module), name)(problem, solution, path)
