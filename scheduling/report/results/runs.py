"""Sections of policies on jobs, checkpoints, edge tasks and shared clusters, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.models.checking import offline_problem
from scheduling.report.results.charts.registry import own_charts
from scheduling.report.results.commands import simulate_command
from scheduling.report.results.content import (
    Axis,
    Bars,
    Cell,
    Chart,
    Given,
    Lines,
    Section,
    Series,
    Table,
)
from scheduling.report.words import percent

Record = Mapping[str, Any]

_EDGE_COUNTS = ("on_edge", "in_cloud", "late", "dropped", "stolen")


def online_section(found: Record, source: str, given: Given | None) -> Section:
    """Describe policies on jobs that come in time, beside what is solved knowing all."""
    runs, offline = found["runs"], found["offline"]
    tiers = [tier["name"].replace("_", " ") for tier in offline["tiers"]]
    named = [(run["policy"], run["solution"]) for run in runs]
    named.append(("all known", offline))
    rows: list[list[Cell]] = [
        [name, *_values(solution), solution["tiers"][0]["bound"], percent(_gap(solution))]
        for name, solution in named
    ]
    values = [_values(solution)[0] for _, solution in named]
    series = [(tiers[0], values)]
    bound = offline["tiers"][0]["bound"]
    if bound is not None:
        series.append(("no schedule is below", [bound] * len(values)))
    charts: list[Chart] = [
        Bars(f"{tiers[0]} of each policy", Axis(tiers[0]), [name for name, _ in named], series)
    ]
    best = next(run for run in runs if run["policy"] == found["best"])
    if given is not None:
        charts += own_charts(offline_problem(given.problem), best["solution"])
    below = "" if bound is None else f"; no schedule has less than {bound:g}"
    first = _values(best["solution"])[0]
    answer = f"{found['best']} is best of {len(runs)} policies, {tiers[0]} {first}{below}."
    about: list[list[Cell]] = [
        [run["policy"], run["ratio"], ", ".join(run["missed"]) or None, run["summary"]]
        for run in runs
    ]
    return Section(
        found["problem"] or "Jobs that come in time",
        answer,
        source,
        Table("Certificate", ["policy", *tiers, "bound", "gap"], rows),
        charts,
        [Table("Policies", ["policy", "to best", "missed deadlines", "what it is"], about)],
        simulate_command(given, [run["policy"] for run in runs], "INSTANCE"),
    )


def _values(solution: Record) -> list[Any]:
    return [tier["objective"] for tier in solution["tiers"]]


def _gap(solution: Record) -> float | None:
    gap: float | None = solution["tiers"][0]["gap"]
    return gap


def checkpoint_section(found: Record, source: str, given: Given | None) -> Section:
    """Describe plans of checkpoints: what each wastes, expected and simulated."""
    runs, least = found["runs"], found["least_waste"]
    names = [run["plan"] for run in runs]
    best = min(runs, key=lambda run: float(run["expected_waste"]))
    rows: list[list[Cell]] = [
        [
            run["plan"],
            run["steps"],
            run["every"],
            percent(run["expected_waste"]),
            percent(run["simulated_waste"]),
            run["failures"],
            percent(run["gap"]),
        ]
        for run in runs
    ]
    columns = ["plan", "steps between copies", "last level every", "waste", "simulated"]
    series = [
        ("expected", [100 * run["expected_waste"] for run in runs]),
        ("simulated", [100 * run["simulated_waste"] for run in runs]),
    ]
    answer = (
        f"{best['plan']} wastes least, {percent(best['expected_waste'])} of the time; "
        f"no plan wastes less than {percent(least)} in expectation."
    )
    return Section(
        found["problem"] or "Checkpoints",
        answer,
        source,
        Table("Certificate", [*columns, "failures", "gap"], rows),
        [Bars("Share of time that is wasted", Axis("wasted, %"), names, series)],
        command=simulate_command(given, names, "INSTANCE"),
    )


def edge_section(found: Record, source: str, given: Given | None) -> Section:
    """Describe policies on tasks for edge and cloud: utility, and where the tasks went."""
    runs, bound = found["runs"], found["bound"]
    names = [run["policy"] for run in runs]
    best = max(runs, key=lambda run: float(run["utility"]))
    rows: list[list[Cell]] = [
        [run["policy"], run["utility"], bound, percent(run["gap"])] for run in runs
    ]
    counts = [count.replace("_", " ") for count in _EDGE_COUNTS]
    where: list[list[Cell]] = [
        [run["policy"], *(run[count] for count in _EDGE_COUNTS)] for run in runs
    ]
    above = "" if bound is None else f"; no scheduler earns more than {bound:,}"
    series = [
        (name, [run[count] for run in runs])
        for name, count in zip(counts, _EDGE_COUNTS, strict=True)
    ]
    return Section(
        found["problem"] or "Tasks for edge and cloud",
        f"{best['policy']} earns most of {len(runs)} policies, {best['utility']:,}{above}.",
        source,
        Table("Certificate", ["policy", "utility", "bound", "gap"], rows),
        [
            Bars("Utility", Axis("utility"), names, [("utility", [r["utility"] for r in runs])]),
            Bars("Where the tasks went", Axis("tasks"), names, series),
        ],
        [Table("Tasks", ["policy", *counts], where)],
        simulate_command(given, names, "INSTANCE"),
    )


def sharing_section(found: Record, source: str, given: Given | None) -> Section:
    """Describe policies on a shared cluster: response times of its jobs."""
    runs, bound = found["runs"], found["bound_seconds"]
    names = [run["policy"] for run in runs]
    best = min(runs, key=lambda run: float(run["mean_seconds"]))
    rows: list[list[Cell]] = [
        [run["policy"], run["mean_seconds"], bound, percent(run["gap"])] for run in runs
    ]
    below = "" if bound is None else f"; no scheduler has less than {bound:.4g} s"
    jobs: list[list[Cell]] = [
        [job, *(run["response_seconds"][job] for run in runs)]
        for job in runs[0]["response_seconds"]
    ]
    return Section(
        found["problem"] or "A shared cluster",
        f"{best['policy']} has the least mean response, {best['mean_seconds']:.4g} s{below}.",
        source,
        Table("Certificate", ["policy", "mean response s", "bound", "gap"], rows),
        [
            _shares("Jobs that respond within", "response, seconds", runs, "response_seconds"),
            _shares("Jobs that lag at most", "lag, seconds", runs, "lag_seconds"),
        ],
        [Table("Response times, seconds", ["job", *names], jobs)],
        simulate_command(given, names, "INSTANCE"),
    )


def _shares(title: str, label: str, runs: Sequence[Record], field: str) -> Chart:
    """Draw which share of the jobs stays within a time, one line a policy."""
    series = []
    for run in runs:
        times = sorted(run[field].values())
        shares = [(k + 1) / len(times) for k in range(len(times))]
        series.append(Series(run["policy"], times, shares, "step"))
    return Lines(title, Axis(label), Axis("share of jobs"), series)
