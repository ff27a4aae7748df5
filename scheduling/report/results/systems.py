"""Sections of published systems: what ``reproduce`` prints, and the atlas that it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.report.results.content import Axis, Bars, Cell, Section, Table
from scheduling.report.words import counted, percent

Record = Mapping[str, Any]

_COLUMNS = ("system", "case", "measure", "baseline", "result", "ratio", "gap", "published")


def scenarios_section(found: Sequence[Record], source: str) -> Section:
    """Describe rows of ``reproduce``: reproduced figures beside the published ones."""
    figures = _figures(found)
    names = [entry["name"] for entry in found]
    return Section(
        names[0] if len(names) == 1 else "Published systems",
        f"{_counted(found)}.",
        source,
        tables=[figures],
        command=f"scheduling reproduce {' '.join(names)}",
    )


def atlas_section(atlas: Record, source: str) -> Section:
    """Describe an atlas: a verdict on each system, then all figures."""
    found, verdicts = atlas["systems"], atlas["verdicts"]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items() if count)
    answer = (
        f"{len(found)} of {atlas['total']} published systems: {counts or 'none'}; "
        f"{_counted(found)}. On {atlas['machine']}, at most {atlas['budget_seconds']:g} s each."
    )
    columns = ["system", "problem", "baseline", "result", "ratio", "gap", "published", "verdict"]
    rows = [[*_summary(entry), entry["verdict"], entry["why"]] for entry in found]
    return Section(
        "Published systems",
        answer,
        source,
        charts=[
            Bars(
                "Verdicts", Axis("systems"), list(verdicts), [("systems", list(verdicts.values()))]
            )
        ],
        tables=[Table("Verdicts", [*columns, "why"], rows), _figures(found)],
        command=atlas["command"],
    )


def _counted(found: Sequence[Record]) -> str:
    rows = [row for entry in found for row in entry["rows"]]
    figures = counted(len(rows), "figure")
    bounded = sum(row["gap"] is not None for row in rows)
    return f"{figures} of {counted(len(found), 'published system')}, {bounded} with a bound"


def _summary(entry: Record) -> list[Cell]:
    """Return system, problem and the figure that stands for it."""
    about: list[Cell] = [f"{entry['name']}: {entry['system']}", entry["problem"]]
    figure = entry["figure"]
    if figure is None:
        return [*about, None, None, None, None, None]
    return [
        *about,
        _baseline(figure),
        f"{figure['measure']}: {figure['method']} {figure['value']:.4g}",
        figure["ratio"],
        percent(figure["gap"]),
        figure["published"],
    ]


def _figures(found: Sequence[Record]) -> Table:
    rows: list[list[Cell]] = [
        [
            entry["name"],
            row["case"],
            row["measure"],
            _baseline(row),
            f"{row['method']} {row['value']:.4g}",
            row["ratio"],
            percent(row["gap"]),
            row["published"],
            row["verdict"],
        ]
        for entry in found
        for row in entry["rows"]
    ]
    return Table("Figures", [*_COLUMNS, "verdict"], rows)


def _baseline(row: Record) -> str | None:
    value = row["baseline_value"]
    return None if value is None else f"{row['baseline']} {value:.4g}"
