"""Sets of schedules side by side with plain CP-SAT: gaps to best known values, and proofs.

For each set the table says how far the values of this library and of plain CP-SAT lie above the
best known ones on average, how many instances plain CP-SAT settles within half the time limit, and
how many of those this library leaves open within the whole of it. Run
``python benchmarks/variants.py --help`` for the options.
"""

from __future__ import annotations

import argparse
import sys
from statistics import fmean
from typing import Any

from figures import add_output, write_figures
from schedules import HERE, above, run_case

from scheduling.bench.suites import cases
from scheduling.cli.output import table

SUITES = (
    "bjsp",
    "rcpsp_cpr",
    "jsp_operators",
    "variants/nw-pfsp",
    "variants/sdst-pfsp",
    "variants/pmp",
    "variants/dpfsp",
)
OURS = "scheduling"
SETTLED = ("optimal", "infeasible")


def commands(options: argparse.Namespace) -> dict[str, list[str]]:
    """Command line of each competitor, to be followed by a document."""
    limit = ["--time-limit", str(options.time_limit)]
    ours = [sys.executable, str(HERE / "peers" / "ours.py"), *limit]
    lines = {OURS: [*ours, "--workers", str(options.workers), "--solver", options.solver]}
    for count in options.peer_workers:
        plain = [sys.executable, str(HERE / "peers" / "plain_cpsat.py"), *limit]
        lines[f"cp-sat x{count}"] = [*plain, "--workers", str(count)]
    return lines


def summarise(suite: str, rows: list[dict[str, Any]], half: float) -> list[list[str]]:
    """One line for each peer on a set."""
    mine = {row["instance"]: row for row in rows if row["solver"] == OURS}
    lines = []
    for peer in dict.fromkeys(row["solver"] for row in rows if row["solver"] != OURS):
        theirs = {row["instance"]: row for row in rows if row["solver"] == peer}
        both = [
            (above(mine[name]), above(row))
            for name, row in theirs.items()
            if above(mine[name]) is not None and above(row) is not None
        ]
        closed = [
            name
            for name, row in theirs.items()
            if row.get("status") in SETTLED and row["seconds"] <= half
        ]
        missed = [name for name in closed if mine[name].get("status") not in SETTLED]
        unsolved = [
            sum(row.get("objective") is None for row in side) for side in _sides(mine, theirs)
        ]
        proven = [
            sum(row.get("status") in SETTLED for row in side) for side in _sides(mine, theirs)
        ]
        gaps = [f"{100 * fmean(side):.2f} %" for side in zip(*both, strict=True)] or ["-", "-"]
        counts = [f"{one}/{other}" for one, other in (proven, unsolved)]
        lines.append(
            [suite, peer, str(len(theirs)), *gaps, *counts, str(len(closed)), str(len(missed))]
        )
    return lines


def _sides(mine: dict[str, Any], theirs: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [[mine[name] for name in theirs], list(theirs.values())]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"sets or instances; default: {' '.join(SUITES)}")
    parser.add_argument("--time-limit", type=float, default=20.0)
    parser.add_argument("--workers", type=int, default=2, help="threads of this library")
    parser.add_argument("--solver", default="auto", help="solver of this library")
    parser.add_argument(
        "--peer-workers", type=int, nargs="+", default=[2, 8], help="threads of plain CP-SAT"
    )
    parser.add_argument("--every", type=int, default=1, help="take every so many-th instance only")
    add_output(parser)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    lines: list[list[str]] = []
    for suite in options.suites or SUITES:
        found: list[dict[str, Any]] = []
        for case in cases(suite)[:: options.every]:
            found += run_case(case, commands(options))
            write_figures(options.output, rows + found)
        rows += found
        lines += summarise(suite, found, options.time_limit / 2)
    headers = ["set", "peer", "runs", "ours above", "peer above"]
    headers += ["proven", "without value", "closed in half", "of these missed"]
    table(headers, lines, f"{options.time_limit:g} s; {OURS}/peer where a cell has two numbers")


if __name__ == "__main__":
    main()
