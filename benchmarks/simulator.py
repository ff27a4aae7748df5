"""Requests and iterations a second of the simulator: golden runs of Vidur, and a large fleet.

With ``--peer-python`` and ``--peer-code`` Vidur itself simulates each golden run in turn with ours;
without, its rate is the one that the notes of the golden runs state.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from figures import add_output, write_figures

from scheduling.cli.output import table
from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import data_folder
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.admission import Reserve, Watermark
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst, Sarathi
from scheduling.simulator.requests.routers import ROUTERS
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.streams import stream

VIDUR_REQUESTS_PER_SECOND = 900.0
"""Of the independent simulator that made the golden runs, as their notes state it."""

COST = Affine(base=0.005, per_token=4e-5, per_kv=3e-8)
AMPLE_BLOCKS = 128 * 256
MEBI = 1024


def golden_fleet(entry: dict[str, Any]) -> Deployment:
    """Return the instance of a golden run."""
    options = entry["options"]
    compositions = {
        "sarathi": Sarathi(options.get("chunk_size", 512)),
        "vllm": PrefillFirst(),
        "orca": Orca(),
    }
    group = Group(
        "one",
        COST,
        kv_tokens=16 * options.get("num_blocks", AMPLE_BLOCKS),
        max_sequences=128,
        composition=compositions[entry["scheduler"]],
        admission=Reserve(4096) if entry["scheduler"] == "orca" else Watermark(),
    )
    return Deployment((group,))


def timed(fleet: Deployment, requests: RequestTable, router: str, repeats: int) -> dict[str, Any]:
    """Run it a few times; the quickest counts, in seconds of processor time."""
    run: FleetRun | None = None
    quickest = float("inf")
    for _ in range(repeats):
        began = time.process_time()
        run = simulate_fleet(fleet, requests, router=router)
        quickest = min(quickest, time.process_time() - began)
    if run is None:
        raise SystemExit("at least one repeat is needed")
    return {
        "requests": len(requests),
        "iterations": run.iterations,
        "restarts": int(run.restarts.sum()),
        "makespan": run.makespan_seconds,
        "requests_per_second": len(requests) / quickest,
        "iterations_per_second": run.iterations / quickest,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBI,
    }


def timed_peer(python: Path, code: Path, folder: Path, name: str, repeats: int) -> float:
    """Return Vidur's requests a second of processor time, the quickest of a few runs."""
    script = Path(__file__).resolve().parent / "peers" / "with_vidur.py"
    entry = json.loads((folder / "golden.json").read_text())[name]
    rates = []
    for _ in range(repeats):
        # Vidur leaves its configuration where it runs.
        with TemporaryDirectory() as place:
            out = subprocess.run(
                [python.absolute(), script, folder.resolve(), name],
                cwd=place,
                env=os.environ | {"PYTHONPATH": str(code.resolve())},
                capture_output=True,
                text=True,
                check=True,
            )
        found = json.loads(out.stdout.splitlines()[-1])
        if abs(found["makespan"] - entry["makespan_s"]) > 1e-5:
            raise SystemExit(f"the peer's own run of {name} differs: {found}")
        rates.append(entry["requests"] / found["seconds"])
    return max(rates)


def golden_runs(data: Path, repeats: int, peer: tuple[Path, Path] | None) -> dict[str, Any]:
    """Time all golden runs; those that differ from Vidur's are marked."""
    folder = data / "vidur_golden"
    requests = read_requests(folder / "requests-conv400.csv").table
    found = {}
    for name, entry in json.loads((folder / "golden.json").read_text()).items():
        row = timed(golden_fleet(entry), requests, "round-robin", repeats)
        row["equal"] = (
            row["iterations"] == entry["iterations"]
            and row["restarts"] == entry["restarts"]
            and abs(row["makespan"] - entry["makespan_s"]) <= 1e-5
        )
        vidur = timed_peer(*peer, folder, name, 3) if peer else VIDUR_REQUESTS_PER_SECOND
        row["vidur_requests_per_second"] = vidur
        row["times_vidur"] = row["requests_per_second"] / vidur
        found[name] = row
    return found


def day(count: int, instances: int) -> tuple[Deployment, RequestTable]:
    """Return a fleet and requests as dense as five million a day on a hundred instances."""
    rate = 5e6 / 86_400 * instances / 100
    gaps, prompts, outputs = (stream(1, name) for name in ("gaps", "prompts", "outputs"))
    nothing = np.zeros(count, dtype=np.int64)
    requests = RequestTable(
        np.cumsum(gaps.exponential(1e9 / rate, count)).astype(np.int64),
        np.clip(prompts.lognormal(6.5, 1.0, count), 1, 8000).astype(np.int64),
        np.clip(outputs.lognormal(5.0, 0.8, count), 1, 2000).astype(np.int64),
        nothing,
        nothing,
    )
    group = Group("fleet", COST, kv_tokens=100_000, replicas=instances)
    return Deployment((group,)), requests


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000, help="requests to the fleet")
    parser.add_argument("--instances", type=int, default=100)
    parser.add_argument("--router", choices=ROUTERS, default="least-requests")
    parser.add_argument("--repeats", type=int, default=10, help="of each golden run")
    parser.add_argument("--peer-python", type=Path, help="Python with Vidur's requirements")
    parser.add_argument("--peer-code", type=Path, help="checkout of Vidur")
    add_output(parser)
    options = parser.parse_args()
    if (options.peer_python is None) != (options.peer_code is None):
        parser.error("--peer-python and --peer-code go together")
    peer = (options.peer_python, options.peer_code) if options.peer_code else None
    data = data_folder()
    found = golden_runs(data, options.repeats, peer) if data is not None else {}
    fleet, requests = day(options.requests, options.instances)
    found[f"fleet of {options.instances}"] = timed(fleet, requests, options.router, 1)
    rows = [
        [
            name,
            str(row["requests"]),
            str(row["iterations"]),
            {True: "yes", False: "NO"}.get(row.get("equal"), "-"),
            f"{row['requests_per_second']:,.0f}",
            f"{row['vidur_requests_per_second']:,.0f}" if "times_vidur" in row else "-",
            f"{row['times_vidur']:.0f}" if "times_vidur" in row else "-",
            f"{row['iterations_per_second']:,.0f}",
            f"{row['memory_mib']:.0f}",
        ]
        for name, row in found.items()
    ]
    head = ["run", "requests", "iterations", "as Vidur", "requests/s", "Vidur's"]
    table([*head, "times", "iterations/s", "MiB"], rows)
    write_figures(options.output, found)
    if any(row.get("equal") is False for row in found.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
