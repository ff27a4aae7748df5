"""Static memory allocation on data/minimalloc, beside first fit and plain CP-SAT.

Seconds until the buffers fit into the capacity, and to a proof of the least memory.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from figures import add_output, write_figures

import scheduling as sch
from scheduling.cli.output import table
from scheduling.instances.memory.random_buffers import tensor_buffers
from scheduling.models.memory.problem import MemoryProblem
from scheduling.models.memory.solution import MemorySolution
from scheduling.scenarios.scenario import data_folder


@dataclass(frozen=True)
class Outcome:
    """One solver on one problem; ``fits_seconds`` is when an allocation within the capacity stood.

    ``height`` is the share of the capacity that it needs.
    """

    name: str
    buffers: int
    solver: str
    status: str
    height: float | None
    bound: float | None
    fits_seconds: float | None
    seconds: float


def outcome(problem: MemoryProblem, solver: str, seconds: float, workers: int) -> Outcome:
    """Solve one problem. First fit is given more memory than there is, to see by how much."""
    capacity = problem.capacity or 1
    stated = problem
    if solver == "first-fit":
        stated = problem.model_copy(update={"capacity": None})
    found: MemorySolution = sch.solve(stated, solver, time_limit=seconds, workers=workers)
    fits = (at for at, value, _ in found.history if value is not None and value <= capacity)
    return Outcome(
        name=problem.name or "",
        buffers=len(problem.buffers),
        solver=solver,
        status=found.status,
        height=None if found.objective is None else found.objective / capacity,
        bound=None if found.bound is None else found.bound / capacity,
        fits_seconds=next(fits, None),
        seconds=found.seconds,
    )


def problems(suite: list[str], *, generated: bool) -> list[MemoryProblem]:
    """Return the problems of the suite, or random strips."""
    if generated:
        return [
            tensor_buffers(buffers=count, times=2 * count, capacity=1024, seed=count)
            for count in (50, 100, 200)
        ]
    folder = data_folder()
    if folder is None:
        raise SystemExit("set SCHEDULING_DATA, or ask for --generated")
    files = {file.name.split(".")[0]: file for file in (folder / "minimalloc").glob("*.csv")}
    unknown = sorted(set(suite) - set(files))
    if unknown:
        raise SystemExit(f"no instance {unknown[0]!r}; there are {', '.join(sorted(files))}")
    return [sch.read(files[name]) for name in sorted(suite or files)]


def row(found: Outcome) -> list[str]:
    """Show one outcome."""
    return [
        found.name,
        str(found.buffers),
        found.solver,
        found.status,
        "-" if found.height is None else f"{found.height:.4f}",
        "-" if found.bound is None else f"{found.bound:.4f}",
        "-" if found.fits_seconds is None else f"{found.fits_seconds:.2f}",
        f"{found.seconds:.2f}",
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="*", default=[], help="names of instances; all")
    parser.add_argument("--generated", action="store_true", help="random strips, without data")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for each run")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--solvers", nargs="*", default=["auto", "cp-sat", "first-fit"])
    add_output(parser)
    options = parser.parse_args()
    found = [
        outcome(problem, solver, options.time_limit, options.workers)
        for problem in problems(options.suite, generated=options.generated)
        for solver in options.solvers
    ]
    headers = ["instance", "buffers", "solver", "status", "height", "bound", "fits s", "end s"]
    fitted = sum(entry.fits_seconds is not None for entry in found)
    title = f"heights as shares of the capacity; {fitted} of {len(found)} runs within it"
    table(headers, [row(entry) for entry in found], title)
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
