"""Traces of spot availability as published with SkyPilot ("Can't be late", NSDI 2024).

A JSON file for each zone and type of instance: ``metadata.gap_seconds`` between two ticks, and in
``data`` the number of instances that there were at each tick. ``prices``, which some files have,
vary from tick to tick and are left out: spot capacity costs 1 a tick and capacity on demand 3, as
in the study. So does the job: it takes four fifths of the time until its deadline, and an instance
makes no progress for its first 12 minutes.

Wu and others, "Can't be late: optimizing spot instance savings under deadlines", NSDI 2024.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated

from pydantic import Field

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.beside import read_beside
from scheduling.instances.documents import located, read_json
from scheduling.instances.text import STANDARD_INPUT, split_fragment
from scheduling.models.base import Document, Frozen, Many, Problem
from scheduling.models.spot.problem import MOST_TICKS, Region, Span, SpotProblem

HOURS = "hours"
"""What the number behind the format's name stands for."""

_HOURS = 48
_FRACTION = 0.8
_CHANGEOVER_HOURS = 0.2


class _Metadata(Frozen):
    """What is known of a trace."""

    gap_seconds: Annotated[float, Field(gt=0, le=10**6)]


class SpotTrace(Document):
    """How many instances there were at each tick."""

    metadata: _Metadata
    data: Annotated[Many[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    prices: Many[float] | None = None


def read_spot_trace(text: str, source: str | None, hours: int = _HOURS) -> SpotProblem:
    """Read the zone of a file, and those of further files beside it, from their first tick on.

    A zone has capacity at the ticks at which it has as many instances as at most.

    Parameters
    ----------
    text, source
        Content and name of the file; names behind ``#``, separated by commas, are those of files of
        further zones beside it.
    hours
        That the job takes.

    Raises
    ------
    InputError
        With the line of the fault, or for traces that end before the deadline.
    """
    trace = read_json(SpotTrace, text, source)
    gap = trace.metadata.gap_seconds
    per_hour = 3600.0 / gap
    work = max(1, round(hours * per_hour))
    deadline = round(work / _FRACTION)
    if deadline > MOST_TICKS:
        found = f"a deadline at tick {deadline}"
        raise InputError.single("format", found, f"at most {MOST_TICKS}: fewer hours", source)
    name, others = _files(source)
    regions = [_region(name, trace, deadline, text, source)]
    for file in others:
        shown = str(file)
        more = read_beside(file)
        other = read_json(SpotTrace, more, shown)
        if other.metadata.gap_seconds != gap:
            with located(more, shown):
                found = f"{other.metadata.gap_seconds:g}"
                raise InputError.single("metadata.gap_seconds", found, f"{gap:g}, as before")
        regions.append(_region(file.stem, other, deadline, more, shown))
    return SpotProblem(
        name=f"{name}-{hours}h",
        work=work,
        deadline=deadline,
        changeover=max(1, round(_CHANGEOVER_HOURS * per_hour)),
        regions=tuple(regions),
    )


def _files(source: str | None) -> tuple[str, list[Path]]:
    if source is None or source == STANDARD_INPUT:
        return "zone", []
    file, others = split_fragment(source)
    path = Path(file)
    return path.stem, [path.parent / other for other in (others or "").split(",") if other]


def _region(name: str, trace: SpotTrace, deadline: int, text: str, source: str | None) -> Region:
    if len(trace.data) < deadline:
        with located(text, source):
            found = f"{len(trace.data)} ticks"
            expected = f"at least {deadline}, the deadline: state fewer hours, spot-trace:HOURS"
            raise InputError.single("data", found, expected)
    most = max(1, *trace.data)
    spans, tick = [], 0
    for there, group in groupby(trace.data[:deadline], key=lambda count: count == most):
        length = sum(1 for _ in group)
        if there:
            spans.append(Span(start=tick, end=tick + length))
        tick += length
    return Region(id=name, available=tuple(spans))


def write_spot_trace(problem: Problem) -> str:
    """Refuse: the trace after the deadline, and its seconds, cannot be told from a problem.

    Raises
    ------
    UnsupportedError
        Always.
    """
    text = f"format spot-trace is read only and holds no problem of kind {problem.kind}"
    raise UnsupportedError(f"{text}: write .yaml or .json instead")
