"""What a report is made of: sections with an answer, charts and tables, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from scheduling.models.base import Problem

Cell = str | int | float | None
Shape = Literal["line", "step", "points"]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis stands for; ``log`` asks for a logarithmic one, ``whole`` for whole numbers."""

    label: str
    log: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one name.

    Parameters
    ----------
    name
        In the legend.
    x, y
        Coordinates.
    shape
        Joined by lines, by steps, or not at all.
    notes
        What else is said of each point; empty without.
    dashed
        Draw dashed lines, for bounds.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    shape: Shape = "line"
    notes: Sequence[str] = ()
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart of series over an axis."""

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    kind: Literal["lines"] = "lines"


@dataclass(frozen=True, slots=True)
class Bars:
    """Values of categories, a bar each; several series stand beside each other."""

    title: str
    x: Axis
    categories: Sequence[str]
    series: Sequence[tuple[str, Sequence[float | None]]]
    kind: Literal["bars"] = "bars"


IDLE, LINE = -1, -2
"""Numbers of the greys of what is idle, and of lines behind what counts."""


class RowBar(NamedTuple):
    """A box in a row.

    Parameters
    ----------
    name, left, right
        What it is, and its edges.
    row
        Number of its row, from 0 at the top.
    group
        Number of its colour; ``IDLE`` and ``LINE`` are grey.
    note
        What else is said of it.
    shelf
        Its edges in the row, as shares of the row's height from the top.
    """

    name: str
    left: float
    right: float
    row: int
    group: int
    note: str = ""
    shelf: tuple[float, float] = (0.08, 0.92)


class Mark(NamedTuple):
    """A value of ``x`` that a dashed line marks, and its name in the legend."""

    name: str
    x: float


@dataclass(frozen=True, slots=True)
class Boxes:
    """Rectangles, such as memory over time or what lies on each node.

    Parameters
    ----------
    title, x, y
        Name of the chart and its axes.
    names
        What each is.
    left, right, low, high
        Edges of each.
    groups
        Number of the colour of each; ``IDLE`` and ``LINE`` are grey.
    rows
        Names of the rows where ``y`` counts rows, from 0 at the top; empty where it is a number.
    limit
        A value of ``y`` to mark; ``None`` without.
    legend
        What the colours stand for; empty where each box has one of its own.
    most
        Largest value of ``x`` that is shown; ``None``: the largest edge.
    notes
        What else is said of each; empty without.
    marks
        Values of ``x`` to mark.
    """

    title: str
    x: Axis
    y: Axis
    names: Sequence[str]
    left: Sequence[float]
    right: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    groups: Sequence[int]
    rows: Sequence[str] = ()
    limit: float | None = None
    legend: Sequence[str] = ()
    most: float | None = None
    notes: Sequence[str] = ()
    marks: Sequence[Mark] = ()
    kind: Literal["boxes"] = "boxes"

    @classmethod
    def in_rows(
        cls,
        title: str,
        x: Axis,
        y: Axis,
        bars: Sequence[RowBar],
        rows: Sequence[str],
        *,
        legend: Sequence[str],
        most: float | None = None,
        marks: Sequence[Mark] = (),
    ) -> Boxes:
        """Return bars in rows; the parameters are those of the class."""
        return cls(
            title,
            x,
            y,
            [bar.name for bar in bars],
            [bar.left for bar in bars],
            [bar.right for bar in bars],
            [bar.row + bar.shelf[0] for bar in bars],
            [bar.row + bar.shelf[1] for bar in bars],
            [bar.group for bar in bars],
            rows=rows,
            legend=legend,
            most=most,
            notes=[bar.note for bar in bars] if any(bar.note for bar in bars) else (),
            marks=marks,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A page of its own inside the report, such as a Gantt chart."""

    title: str
    html: str
    kind: Literal["page"] = "page"


Chart = Lines | Bars | Boxes | Page


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to read and to copy."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Section:
    """One result.

    Parameters
    ----------
    title
        What was asked.
    answer
        The answer in a sentence.
    certificate
        Value, bound and gap of each objective; ``None`` where a result has none.
    charts, tables
        In the order in which they are shown.
    command
        The command that gives it again; ``None`` when the file does not tell.
    source
        The file it is from.
    checked
        What the independent check says of it; ``None`` where there is no instance to check against.
    violations
        What the check found; ``None`` when it found nothing, or there was none.
    """

    title: str
    answer: str
    source: str
    certificate: Table | None = None
    charts: Sequence[Chart] = field(default_factory=tuple)
    tables: Sequence[Table] = field(default_factory=tuple)
    command: str | None = None
    checked: str | None = None
    violations: Table | None = None


class Given(NamedTuple):
    """The problem that a result answers, and its file."""

    file: str
    problem: Problem


def as_data(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Return the sections as what JSON can hold."""
    return [asdict(section) for section in sections]


def plain(value: Any) -> Cell:
    """Return a value as a cell: lists and mappings become texts, nothing where they are empty."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(entry)}" for key, entry in value.items()) or None
    return ", ".join(str(plain(entry)) for entry in value) or None
