r"""Seconds of ``scheduling plan`` for one model on 8 GPUs, process start included, beside a peer.

The peer's whole command line is given with ``--peer``; it runs in turn with ours, so that both meet
the same load of the machine. For AIConfigurator in an environment of its own:

    python benchmarks/plan.py --peer ".venv-peers/bin/aiconfigurator cli default \
        --model-path meta-llama/Meta-Llama-3.1-70B --total-gpus 8 --system h100_sxm \
        --backend vllm --isl 1200 --osl 250 --ttft 1500 --tpot 40"
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import subprocess
import sys
import time
from statistics import median

from figures import add_output, write_figures

from scheduling.cli.output import table


def timed(command: list[str]) -> tuple[float, float]:
    """Run a command and return wall and processor seconds; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env=os.environ)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, busy


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fleet", nargs="?", default="bundled:chat-fleet")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peer", help="command line of the peer's planner")
    add_output(parser)
    options = parser.parse_args()
    commands = {"scheduling plan": [sys.executable, "-m", "scheduling", "plan", options.fleet]}
    if options.peer:
        commands["peer"] = shlex.split(options.peer)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(options.repeat):
        for name, command in commands.items():
            runs[name].append(timed(command))
    found = {
        name: {
            "wall": median(wall for wall, _ in times),
            "processor": median(busy for _, busy in times),
        }
        for name, times in runs.items()
    }
    rows = [[name, f"{f['wall']:.2f}", f"{f['processor']:.2f}"] for name, f in found.items()]
    table(["planner", "median wall s", "median processor s"], rows, options.fleet)
    if options.peer:
        ratio = found["scheduling plan"]["wall"] / found["peer"]["wall"]
        print(f"  ours takes {ratio:.2f} of the peer's wall time")
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
