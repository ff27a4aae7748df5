"""Seconds to build the CP-SAT model of random job shops: this library and its peers."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from figures import add_output, write_figures

from scheduling.cli.output import table
from scheduling.instances.generators import generate

HERE = Path(__file__).parent


def seconds(line: list[str], document: Path, repeat: int) -> float:
    """Median building time over several processes."""
    values = []
    for _ in range(repeat):
        command = [*line, str(document), "--build-only"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        values.append(float(json.loads(done.stdout)["build"]))
    return median(values)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["20x15", "100x20", "500x50"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peer-python", help="interpreter of the environment with PyJobShop")
    add_output(parser)
    options = parser.parse_args()
    lines = {
        "scheduling": [sys.executable, str(HERE / "peers" / "ours.py")],
        "plain cp-sat": [sys.executable, str(HERE / "peers" / "plain_cpsat.py")],
    }
    if options.peer_python:
        lines["pyjobshop"] = [options.peer_python, str(HERE / "peers" / "with_pyjobshop.py")]
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            jobs, _, machines = size.partition("x")
            problem = generate("job-shop", {"jobs": jobs, "machines": machines, "seed": 1})
            document = Path(folder) / "document.json"
            document.write_text(problem.model_dump_json(), encoding="utf-8")
            found[size] = {
                name: seconds(line, document, options.repeat) for name, line in lines.items()
            }
    rows = [
        [size, name, f"{value:.3f}", f"{value / values['scheduling']:.2f}"]
        for size, values in found.items()
        for name, value in values.items()
    ]
    table(["jobs x machines", "library", "build s", "times ours"], rows)
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
