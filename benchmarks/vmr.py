"""VM rescheduling on data/vmr2l: certified fragment rates, seconds, beside HA and plain CP-SAT."""

from __future__ import annotations

import argparse

from figures import add_output, write_figures

from scheduling.cli.output import table
from scheduling.scenarios.scenario import data_folder
from scheduling.scenarios.vmr2l import INDEX, Outcome, generated_cases, outcome, published_cases

SMALL_HOSTS = 100
"""Clusters of more hosts get the longer time limit."""


def percent(found: Outcome, value: int | None) -> str:
    """Show a fragment rate."""
    rate = found.rate(value)
    return "-" if rate is None else f"{rate:.2f}"


def row(found: Outcome) -> list[str]:
    """Show one outcome."""
    best = "-" if found.optimum is None else "yes" if found.value == found.optimum else "no"
    return [
        found.name,
        str(found.hosts),
        str(found.limit),
        percent(found, found.before),
        percent(found, found.greedy),
        percent(found, found.plain),
        percent(found, found.value),
        percent(found, found.bound),
        best,
        f"{found.seconds:.1f}",
        f"{found.cpu:.1f}",
        f"{found.moves}/{found.steps}",
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="*", default=[], help="names of instances; all")
    parser.add_argument("--generated", action="store_true", help="random clusters, without data")
    parser.add_argument("--time-limit", type=float, default=10.0, help="seconds for each case")
    parser.add_argument(
        "--large-time-limit", type=float, default=60.0, help="above 100 hosts, seconds"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--baselines", action="store_true", help="run POP and plain CP-SAT too")
    add_output(parser)
    options = parser.parse_args()
    folder = data_folder()
    if options.generated:
        cases = list(generated_cases())
    elif folder is None:
        parser.error("set SCHEDULING_DATA, or ask for --generated")
    else:
        cases = list(published_cases(folder / INDEX, frozenset(options.suite)))
        unknown = sorted(set(options.suite) - {case.problem.name for case in cases})
        if unknown:
            parser.error(f"no instance {unknown[0]!r} in {folder / INDEX}")
    found: list[Outcome] = []
    for case in cases:
        large = len(case.problem.nodes) > SMALL_HOSTS
        limit = options.large_time_limit if large else options.time_limit
        found.append(outcome(case, limit, workers=options.workers, baselines=options.baselines))
    headers = ["instance", "hosts", "limit", "before", "HA", "plain CP-SAT", "columns", "bound"]
    headers += ["best known", "s", "CPU s", "moved/migrations"]
    proven = sum(entry.closed for entry in found)
    missed = sum(entry.greedy > entry.value for entry in found)
    title = f"fragment rate in %; {proven} of {len(found)} proven best, HA misses {missed}"
    table(headers, [row(entry) for entry in found], title)
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
