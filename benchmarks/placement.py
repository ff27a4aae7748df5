"""Pods by priority on the grid of "Priority Matters": outcomes by cell, seconds, disturbance."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from scheduling.cli.output import table
from scheduling.scenarios.priority_matters import (
    BEST,
    BETTER,
    CERTIFIED,
    FAILURE,
    SETTLED,
    Outcome,
    grid,
    outcome,
)

KINDS = (BETTER, BEST, CERTIFIED, FAILURE, SETTLED)


def row(name: str, found: list[Outcome]) -> list[str]:
    """Shares of the outcomes among clusters with pending pods, and what better plans cost."""
    called = [entry for entry in found if entry.kind != SETTLED]
    counts = Counter(entry.kind for entry in called)
    total = max(1, len(called))
    better = [entry for entry in called if entry.kind in (BEST, BETTER)]
    plans = max(1, len(better))
    return [
        name,
        str(len(called)),
        *(f"{100 * counts[kind] / total:.1f} %" for kind in KINDS[:-1]),
        f"{sum(entry.evictions for entry in better) / plans:.2f}",
        f"{sum(entry.moves for entry in better) / plans:.2f}",
        f"{max((entry.seconds for entry in called), default=0.0):.2f}",
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[], help="numbers of nodes; all")
    parser.add_argument("--time-limit", type=float, default=1.0, help="seconds for each cluster")
    parser.add_argument("--seeds", type=int, default=10, help="clusters in each cell")
    parser.add_argument("--priorities", type=int, nargs="*", help="only these")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, help="JSON file")
    options = parser.parse_args()
    found: list[Outcome] = []
    for cell in grid():
        if options.sizes and cell.nodes not in options.sizes:
            continue
        if options.priorities and cell.priorities not in options.priorities:
            continue
        found += [
            outcome(cell, seed, options.time_limit, options.workers)
            for seed in range(options.seeds)
        ]
    groups: dict[str, list[Outcome]] = {}
    for entry in found:
        cell = entry.cell
        groups.setdefault(f"{cell.nodes} nodes, {cell.priorities} priorities", []).append(entry)
    rows = [row(name, entries) for name, entries in groups.items()]
    rows.append(row("all", found))
    headers = ["clusters", "pending", *KINDS[:-1], "evictions", "moves", "slowest s"]
    table(headers, rows, f"{options.time_limit:g} s for each cluster")
    if options.output:
        lines = [asdict(entry) for entry in found]
        options.output.write_text(json.dumps(lines, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
