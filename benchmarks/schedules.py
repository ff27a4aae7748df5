"""Schedules against peers: gap to best known, bounds and proofs, one process a run.

Run ``python benchmarks/schedules.py --help`` for the options; README.md says how to install the
peers.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from figures import add_output, write_figures

from scheduling.bench.suites import Case, cases
from scheduling.cli.output import note, table
from scheduling.instances.files import read

HERE = Path(__file__).parent
FIXED = (
    "jsp/abz8.txt",
    "jsp/la27.txt",
    "jsp/swv04.txt",
    "jsp/swv11.txt",
    "jsp/yn1.txt",
    "jsp/ta01.txt",
    "jsp/ta21.txt",
    "jsp/ta41.txt",
    "jsp/ta53.txt",
    "jsp/ta72.txt",
    "jsp/dmu16.txt",
    "jsp/dmu56.txt",
    "fjsp/mk07.fjs",
    "fjsp/mk14.fjs",
    "fjsp/dpp08a.fjs",
    "fjsp/dpp15a.fjs",
    "fjsp/la24_rdata.fjs",
    "fjsp/la33_vdata.fjs",
    "fjsp/behnke48.fjs",
    "fjsp/setb4xxx.fjs",
    "rcpsp/j60/j6013_1.sm",
    "rcpsp/j60/j6041_5.sm",
    "rcpsp/j120/j12048_2.sm",
    "rcpsp/j120/j12058_9.sm",
    "rcpsp/j120/j1206_10.sm",
    "rcpsp/j120/j12016_7.sm",
    "mrcpsp/j30/j3047_4.mm",
    "mrcpsp/mmlib50/J5049_2.mm",
    "rcpsp_max/ubo50/psp72.sch",
    "rcpsp_max/j30/psp103.sch",
)
"""The list of 30 on which the project's figures are stated."""


def commands(options: argparse.Namespace) -> dict[str, list[str]]:
    """Command line of each competitor, to be followed by a document."""
    limit = ["--time-limit", str(options.time_limit)]
    ours = [sys.executable, str(HERE / "peers" / "ours.py"), *limit]
    plain = [sys.executable, str(HERE / "peers" / "plain_cpsat.py"), *limit]
    found = {
        "scheduling": [*ours, "--workers", str(options.workers)],
        "cp-sat x8": [*plain, "--workers", "8"],
        f"cp-sat x{options.workers}": [*plain, "--workers", str(options.workers)],
    }
    if options.peer_python:
        peer = [options.peer_python, str(HERE / "peers" / "with_pyjobshop.py"), *limit]
        found["pyjobshop"] = [*peer, "--workers", str(options.workers)]
    if options.solvers:
        found = {name: found[name] for name in options.solvers.split(",")}
    return found


def run_case(case: Case, lines: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Run all competitors on one instance, one after the other."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "document.json"
        document.write_text(read(case.path, case.format).model_dump_json(), encoding="utf-8")
        for name, line in lines.items():
            began = time.perf_counter()
            done = subprocess.run(
                [*line, str(document)], capture_output=True, text=True, check=False
            )
            row = {"instance": case.name, "solver": name, "lower": case.lower, "upper": case.upper}
            if done.returncode:
                row["error"] = done.stderr.strip().splitlines()[-1:]
            else:
                row |= json.loads(done.stdout)
            row["process_seconds"] = time.perf_counter() - began
            rows.append(row)
            note(f"{case.name}  {name}  {row.get('objective')}  {row.get('bound')}")
    return rows


def above(row: dict[str, Any]) -> float | None:
    """Relative distance of a value to the best known one."""
    if row.get("objective") is None or row["upper"] is None:
        return None
    return float(row["objective"] / row["upper"] - 1)


def summarise(rows: list[dict[str, Any]]) -> list[list[str]]:
    """One line per family and competitor."""
    lines = []
    for family in sorted({row["instance"].split("/")[0] for row in rows}):
        for solver in dict.fromkeys(row["solver"] for row in rows):
            mine = [
                row
                for row in rows
                if row["solver"] == solver and row["instance"].split("/")[0] == family
            ]
            gaps = [gap for gap in map(above, mine) if gap is not None]
            bounds = sum(math.ceil((row.get("bound") or 0) - 1e-6) for row in mine)
            proven = sum(row.get("status") in ("optimal", "infeasible") for row in mine)
            mean = f"{100 * fmean(gaps):.2f} %" if gaps else "-"
            lines.append([family, solver, str(len(mine)), mean, str(bounds), str(proven)])
    return lines


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", help="data sets or instances; default: the fixed 30")
    parser.add_argument("--time-limit", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peer-python", help="interpreter of the environment with PyJobShop")
    parser.add_argument("--solvers", help="competitors to run, separated by commas")
    add_output(parser)
    options = parser.parse_args()
    lines = commands(options)
    rows: list[dict[str, Any]] = []
    for suite in options.suites or FIXED:
        for case in cases(suite):
            rows += run_case(case, lines)
            write_figures(options.output, rows)
    detail = [
        [
            row["instance"],
            row["solver"],
            str(row.get("objective")),
            str(row.get("bound")),
            f"{row['lower']}..{row['upper']}",
            str(row.get("status") or row.get("error")),
            f"{row['process_seconds']:.1f}",
        ]
        for row in rows
    ]
    headers = ["instance", "solver", "value", "bound", "best known", "status", "s"]
    table(headers, detail, "runs")
    summary = ["family", "solver", "runs", "mean above best known", "sum of bounds", "proven"]
    table(summary, summarise(rows), f"{options.time_limit:g} s, {options.workers} workers")


if __name__ == "__main__":
    main()
