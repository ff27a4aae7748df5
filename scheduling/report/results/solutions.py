"""Sections of solutions: of one problem, and of Pareto fronts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

from pydantic import BaseModel

from scheduling.models.base import Problem, Solution
from scheduling.models.front import ParetoFront
from scheduling.report.front import staircase
from scheduling.report.results.charts import CHARTS
from scheduling.report.results.content import Axis, Chart, Lines, Section, Series, Table, plain
from scheduling.report.words import percent, sentence


def solution_section(
    solution: Solution,
    source: str,
    problem: Problem | None,
    instance: str | None,
    beside: Sequence[Table] = (),
) -> Section:
    """Describe a solution: its certificate, how it was reached, and what it is.

    Parameters
    ----------
    solution, source
        The answer, and the file it is from.
    problem, instance
        What it answers and the file of that; ``None`` when it was not given, which leaves out the
        charts that need it.
    beside
        Further tables.
    """
    title = getattr(solution, "problem", None) or (problem.name if problem else None)
    answer = f"{sentence(solution)[:1].upper()}{sentence(solution)[1:]}."
    own = _own_charts(solution, problem)
    # A page of its own has the history and the entries too.
    whole = any(chart.kind == "page" for chart in own)
    charts = own if whole else [*own, *_history(solution)]
    command = (
        None if instance is None else f"scheduling solve {instance} --solver {_asked(solution)}"
    )
    return Section(
        title or instance or f"A problem of kind {solution.kind}",
        answer,
        source,
        certificate(solution),
        charts,
        [*_facts(solution), *beside, *(() if whole else _listings(solution))],
        command,
    )


def front_section(front: ParetoFront, source: str) -> Section:
    """Describe a Pareto front: its points, and what nothing can reach."""
    title = front.problem or "Pareto front"
    count = f"{len(front.points)} points of {' and '.join(front.criteria)}"
    rows = [[tier.objective for tier in point.tiers] for point in front.points]
    charts: list[Chart] = []
    for first, second in combinations(range(len(front.criteria)), 2):
        corner = front.reference[first], front.reference[second]
        points = [(vector[first], vector[second]) for vector in front.vectors]
        lower = [(low[first], low[second]) for low in front.lower]
        reached, bound = staircase(points, corner), staircase(lower, corner)
        series = [
            Series("reached", [x for x, _ in reached], [y for _, y in reached]),
            Series("solutions", [x for x, _ in points], [y for _, y in points], "points"),
        ]
        if bound != reached:
            xs, ys = [x for x, _ in bound], [y for _, y in bound]
            series.append(Series("bound", xs, ys, dashed=True))
        names = front.labels[first], front.labels[second]
        charts.append(Lines(" and ".join(names), Axis(names[0]), Axis(names[1]), series))
    answer = f"{count}; hypervolume {sentence(front)}."
    tables = [Table("Points", list(front.criteria), rows)]
    return Section(title, answer, source, certificate(front), charts, tables)


def certificate(solution: Solution) -> Table:
    """Return value, bound and gap of each objective."""
    rows = [
        [tier.name.replace("_", " "), tier.sense, tier.objective, tier.bound, percent(tier.gap)]
        for tier in solution.tiers
    ]
    if not rows:
        rows = [["objective", None, solution.objective, solution.bound, percent(solution.gap)]]
    return Table("Certificate", ["objective", "sense", "value", "bound", "gap"], rows)


def _asked(solution: Solution) -> str:
    """Return the solver that was asked for: a portfolio names its part in brackets."""
    return solution.solver.split(" (")[0] or "auto"


def _own_charts(solution: Solution, problem: Problem | None) -> list[Chart]:
    draw: Callable[[Any, Any], list[Chart]] | None = CHARTS.get(solution.kind)
    return [] if draw is None or problem is None else draw(problem, solution)


def _history(solution: Solution) -> Iterator[Chart]:
    """Yield objective and bound over the seconds of the search."""
    points = list(solution.history)
    values = {value for point in points for value in point[1:] if value is not None}
    series = []
    for name, column, dashed in (("objective", 1, False), ("bound", 2, True)):
        known = [(float(point[0]), point[column]) for point in points if point[column] is not None]
        if known:
            x, y = [time for time, _ in known], [float(value or 0) for _, value in known]
            end = max(solution.seconds, x[-1])
            series.append(Series(name, [*x, end], [*y, y[-1]], "step", dashed=dashed))
    if len(values) > 1:
        yield Lines("Objective and bound over time", Axis("seconds"), Axis("value"), series)


def _facts(solution: Solution) -> Iterator[Table]:
    """Yield the single figures that solutions of its kind have beside the certificate."""
    common = set(Solution.model_fields) | {"problem"}
    rows = [
        [name.replace("_", " "), value]
        for name in type(solution).model_fields
        if name not in common
        and isinstance(value := getattr(solution, name), str | int | float)
        and not isinstance(value, bool)
    ]
    if rows:
        yield Table("Figures", ["what", "value"], rows)


def _listings(solution: Solution) -> Iterator[Table]:
    """Yield a table for each list of entries that the solution holds."""
    common = set(Solution.model_fields) | {"problem"}
    for name in type(solution).model_fields:
        entries = getattr(solution, name)
        if name in common or not isinstance(entries, tuple) or not entries:
            continue
        if not isinstance(entries[0], BaseModel):
            continue
        columns = list(type(entries[0]).model_fields)
        dumped = [entry.model_dump(mode="json", exclude_none=True) for entry in entries]
        rows = [[plain(entry.get(field)) for field in columns] for entry in dumped]
        filled = [k for k in range(len(columns)) if any(row[k] is not None for row in rows)]
        yield Table(
            name.replace("_", " ").capitalize(),
            [columns[k].replace("_", " ") for k in filled],
            [[row[k] for k in filled] for row in rows],
        )
