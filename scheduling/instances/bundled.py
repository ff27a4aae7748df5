"""Bundled instances: small ones with proven optima, Taillard's 80 job shops, loops of kernels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from scheduling.errors import InputError
from scheduling.instances import choosing, formats
from scheduling.instances.schedule.taillard import (
    taillard_job_shop,
    taillard_names,
    taillard_seeds,
)
from scheduling.instances.text import decode
from scheduling.models.base import Problem

_DATA = files("scheduling.instances.schedule") / "data"
_FLEETS = files("scheduling.instances.fleets")
_LOOPS = files("scheduling.instances.loop")
_LOOP_BEST = {
    "flash-attention-hopper": (2048, 4621),
    "flash-attention-blackwell": (2048, 5748),
}


@dataclass(frozen=True, slots=True)
class BestKnown:
    """What is known of an instance's best answer.

    Parameters
    ----------
    lower, upper
        Best known bound and value of the objective, one per tier; ``None`` when unknown. A tier's
        values hold given the values of the tiers before it.
    infeasible
        Whether it is proven that there is no answer.
    source
        Where the values come from.
    """

    lower: tuple[int, ...] | None
    upper: tuple[int, ...] | None
    infeasible: bool
    source: str

    @property
    def closed(self) -> bool:
        """Whether the best answer is known for certain."""
        return self.infeasible or (self.lower is not None and self.lower == self.upper)


@dataclass(frozen=True, slots=True)
class Bundled:
    """A bundled instance.

    Parameters
    ----------
    name
        Name for :func:`load` and, after ``bundled:``, for :func:`~scheduling.instances.files.read`.
    family
        Kind of the problem.
    summary
        One line for people.
    best
        What is known of its best answer; ``None`` when nothing is.
    """

    name: str
    family: str
    summary: str
    best: BestKnown | None


@cache
def catalogue() -> dict[str, Bundled]:
    """Return all bundled instances by name."""
    document = _document()
    rows = {}
    for name, entry in document["instances"].items():
        rows[name] = Bundled(name, "schedule", entry["summary"], _best(entry))
    bounds, source = document["taillard"]["bounds"], document["taillard"]["source"]
    for number, name in enumerate(taillard_names(), start=1):
        jobs, machines, *_ = taillard_seeds(number)
        best = None
        if name in bounds:
            lower, upper = bounds[name]
            best = BestKnown((lower,), (upper,), infeasible=False, source=source)
        summary = f"job shop of Taillard (1993), {jobs} jobs on {machines} machines"
        rows[name] = Bundled(name, "schedule", summary, best)
    source = "proven by CP-SAT; the interval is the load of the busiest unit"
    for name, values in _LOOP_BEST.items():
        summary = "flash attention's forward loop on a streaming multiprocessor, after Twill"
        rows[name] = Bundled(
            name, "loop", summary, BestKnown(values, values, infeasible=False, source=source)
        )
    return rows


def names() -> tuple[str, ...]:
    """Return the names of all bundled instances."""
    return tuple(catalogue())


@cache
def fleets() -> tuple[str, ...]:
    """Return the names of the bundled fleets, which are planned instead of solved."""
    found = (entry.name for entry in _FLEETS.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


def load(name: str) -> Problem:
    """Return a bundled instance.

    Raises
    ------
    InputError
        When there is none of that name; it suggests the closest ones.
    """
    if name in fleets():
        text = decode((_FLEETS / f"{name}.yaml").read_bytes(), name)
        return formats.by_name("yaml").read(text, name)
    entry = _entry(name)
    if name in taillard_names():
        return taillard_job_shop(*taillard_seeds(int(name[2:])), name)
    if entry.family == "loop":
        text = decode((_LOOPS / f"{name}.yaml").read_bytes(), name)
        return formats.by_name("yaml").read(text, name)
    file = _document()["instances"][entry.name]["file"]
    text = decode((_DATA / file).read_bytes(), file)
    return choosing.detect(text, file).read(text, file)


def best_known(name: str) -> BestKnown | None:
    """Return what is known of a bundled instance's best answer.

    Raises
    ------
    InputError
        When there is no instance of that name.
    """
    return _entry(name).best


def _entry(name: str) -> Bundled:
    if name not in catalogue():
        close = get_close_matches(name, (*names(), *fleets()), n=5, cutoff=0.5)
        close = close or ["ft06", "ta01", "workshop"]
        raise InputError.single(
            "bundled instance", repr(name), f"a name such as {', '.join(close)}"
        )
    return catalogue()[name]


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((_DATA / "catalogue.json").read_text(encoding="utf-8"))
    return document


def _best(entry: dict[str, Any]) -> BestKnown:
    lower, upper = entry.get("lower"), entry.get("upper")
    return BestKnown(
        tuple(lower) if lower else None,
        tuple(upper) if upper else None,
        entry.get("infeasible", False),
        entry["source"],
    )
