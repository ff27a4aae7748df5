"""Sections of benches: runs of solvers on instances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from scheduling.report.results.content import Axis, Cell, Chart, Lines, Section, Series, Table
from scheduling.report.words import counted, percent

Record = Mapping[str, Any]


def bench_section(found: Sequence[Record], source: str) -> Section:
    """Describe runs of solvers on instances: gaps, proofs, and values above the best known."""
    by_solver: dict[str, list[Record]] = defaultdict(list)
    for record in found:
        by_solver[record["solver"]].append(record)
    rows: list[list[Cell]] = []
    for name, own in by_solver.items():
        gaps = [record["gap"] for record in own if record["gap"] is not None]
        proven = sum(record["status"] in ("optimal", "infeasible") for record in own)
        failed = sum(record["error"] is not None for record in own)
        mean = percent(fmean(gaps) if gaps else None)
        rows.append([name, len(own), proven, len(gaps), mean, failed])
    columns = ["solver", "runs", "proven", "with a gap", "mean gap", "refused or failed"]
    details: list[list[Cell]] = [
        [
            record["instance"],
            record["solver"],
            record["seed"],
            record["status"],
            record["objective"],
            record["bound"],
            percent(record["gap"]),
            record["seconds"],
            record["error"],
        ]
        for record in found
    ]
    heads = ["instance", "solver", "seed", "status", "value", "bound", "gap", "seconds", "error"]
    instances = counted(len({record["instance"] for record in found}), "instance")
    runs = counted(len(found), "run")
    solved, without = (
        len({record["instance"] for record in found if record["status"] == status})
        for status in ("optimal", "infeasible")
    )
    answer = f"{runs} on {instances}, {solved} of them solved to optimality"
    answer += f", {without} proven to have no solution." if without else "."
    return Section(
        "Bench",
        answer,
        source,
        charts=_profile(by_solver),
        tables=[Table("Solvers", columns, rows), Table("Runs", heads, details)],
    )


def _profile(by_solver: Mapping[str, Sequence[Record]]) -> list[Chart]:
    """Draw how many runs of each solver end within a gap, up to the widest of all."""
    series = []
    known = [
        100 * run["gap"] for own in by_solver.values() for run in own if run["gap"] is not None
    ]
    widest = max(known, default=0.0) or 1.0
    for name, own in by_solver.items():
        gaps = sorted(100 * record["gap"] for record in own if record["gap"] is not None)
        shares = [100 * (k + 1) / len(own) for k in range(len(gaps))]
        if gaps:
            series.append(Series(name, [0.0, *gaps, widest], [0.0, *shares, shares[-1]], "step"))
    if not series:
        return []
    return [Lines("Runs that end within a gap", Axis("gap, %"), Axis("runs, %"), series)]
