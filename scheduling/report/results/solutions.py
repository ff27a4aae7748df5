"""Sections of solutions: of one problem, and of Pareto fronts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from shlex import quote

from pydantic import BaseModel

from scheduling.errors import InputError
from scheduling.models.base import Solution, Status, relative_gap
from scheduling.models.checking import check, offline_problem
from scheduling.models.front import ParetoFront
from scheduling.report.front import staircase
from scheduling.report.natural import natural
from scheduling.report.results.charts.registry import own_charts
from scheduling.report.results.commands import named
from scheduling.report.results.content import (
    Axis,
    Cell,
    Chart,
    Given,
    Lines,
    Section,
    Series,
    Table,
    plain,
)
from scheduling.report.schedule.sentence import format_number
from scheduling.report.words import counted, percent, sentence


def solution_section(
    solution: Solution,
    source: str,
    given: Given | None,
    beside: Sequence[Table] = (),
) -> Section:
    """Describe a solution: its certificate, how it was reached, and what it is.

    Parameters
    ----------
    solution, source
        The answer, and the file it is from.
    given
        What it answers; ``None`` when it was not given, which leaves out the check and the charts
        that need it.
    beside
        Further tables.

    Raises
    ------
    InputError
        When it names what the problem does not have.
    """
    problem = None if given is None else offline_problem(given.problem)
    own = [] if problem is None else own_charts(problem, solution)
    # A page of its own has the history and the entries too.
    whole = any(chart.kind == "page" for chart in own)
    shown = natural(solution)
    history = () if whole else _history(shown)
    title = getattr(solution, "problem", None) or (problem.name if problem else None)
    found = Section(
        title or (given.file if given else f"A problem of kind {solution.kind}"),
        _answer(shown),
        source,
        certificate(shown),
        [*own, *history, *_gaps(shown)],
        [*_facts(solution), *beside, *(() if whole else _listings(solution))],
        None if given is None else _command(solution, given),
    )
    return found if given is None else _checked(found, given, solution)


def _answer(solution: Solution) -> str:
    """Say what was reached, then what it means."""
    values = [
        f"{tier.name.replace('_', ' ')}: {format_number(tier.objective)}"
        for tier in solution.tiers
        if tier.objective is not None
    ]
    reached = f"{_capital(', '.join(values))} " if values else ""
    return f"{reached}{_capital(sentence(solution))}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _command(solution: Solution, given: Given) -> str:
    return f"scheduling solve {named(given, 'INSTANCE')} --solver {quote(_asked(solution))}"


def _checked(section: Section, given: Given, solution: Solution) -> Section:
    """Add what the independent check says, where there is something to check."""
    violations = check(given.problem, solution)
    if not violations and solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        return section
    command = f"scheduling check {quote(given.file)} {quote(section.source)}"
    if not violations:
        checked = f"The independent check against {given.file} found nothing wrong ({command})."
        return replace(section, checked=checked)
    rows: list[list[Cell]] = [[v.constraint, v.where, v.amount, v.unit] for v in violations]
    count = counted(len(rows), "violation")
    return replace(
        section,
        answer=f"Not valid: {count} of {given.file}. The file itself says: {section.answer}",
        checked=f"The independent check against {given.file} fails ({command}).",
        violations=Table("What the check found", ["rule", "where", "by", "unit"], rows),
    )


def front_section(front: ParetoFront, source: str, given: Given | None) -> Section:
    """Describe a Pareto front: its points, and what nothing can reach."""
    title = front.problem or "Pareto front"
    command = None
    if given is not None:
        command = f"scheduling pareto {named(given, 'INSTANCE')} {' '.join(front.criteria)}"
    if not front.points:
        if front.status in (Status.OPTIMAL, Status.FEASIBLE):
            expected = f"at least one, as the front is {front.status.value}"
            raise InputError.single("points", "none", expected, source)
        empty = Section(title, f"No trade-offs; {sentence(front)}.", source, command=command)
        return empty if given is None else _checked(empty, given, front)
    count = f"{counted(len(front.points), 'point')} of {' and '.join(front.criteria)}"
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
    found = Section(title, answer, source, certificate(front), charts, tables, command)
    return found if given is None else _checked(found, given, front)


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


def _gaps(solution: Solution) -> Iterator[Chart]:
    """Yield the gap over the seconds of the search, from the first moment that it is known."""
    gaps = [(point[0], relative_gap(point[1], point[2])) for point in solution.history]
    known = [(float(time), 100 * gap) for time, gap in gaps if gap is not None]
    if len({gap for _, gap in known}) > 1:
        end = max(solution.seconds, known[-1][0])
        x, y = [time for time, _ in known], [gap for _, gap in known]
        series = [Series("gap", [*x, end], [*y, y[-1]], "step")]
        yield Lines("Gap over time", Axis("seconds"), Axis("gap, %"), series)


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
