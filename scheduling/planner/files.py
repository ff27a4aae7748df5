"""Reads what a plan starts from, and states plans as files do."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from scheduling.errors import InputError
from scheduling.instances.documents import located
from scheduling.instances.files import BUNDLED, read, read_text
from scheduling.instances.jsontext import parse_json
from scheduling.models.serving.fleet import Fleet
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.problem import MOST_RATE
from scheduling.schemas import opened, stamped

PLAN_FILE = "plan.json"
"""Name of the file of a plan in the folder that is written."""


def read_fleet(
    source: str,
    running: str | os.PathLike[str] | None = None,
    max_changes: int | None = None,
    rates: Sequence[str] = (),
) -> tuple[Fleet, Path | None]:
    """Read a fleet, with changes from the command line.

    Parameters
    ----------
    source
        A file, ``-`` for standard input, or ``bundled:NAME``.
    running
        File of the plan that runs now.
    max_changes
        Most replicas to start or stop against it.
    rates
        New rates, each as ``DEMAND=RATE``.

    Returns
    -------
    fleet, folder
        The fleet, and where the paths in it begin.

    Raises
    ------
    InputError
        When a file cannot be read or is not what it should be, or a change means nothing.
    """
    fleet = read(source)
    if not isinstance(fleet, Fleet):
        raise InputError.single("kind", repr(fleet.kind), "fleet", source)
    here = source == "-" or source.startswith(BUNDLED)
    folder = None if here else Path(source).parent
    data = fleet.model_dump(mode="json")
    for text in rates:
        _change_rate(data["demands"], text)
    if running is not None:
        data["running"] = read_plan(running).model_dump(mode="json")
    if max_changes is not None:
        data["max_changes"] = max_changes
    return Fleet.model_validate(data), folder


def _change_rate(demands: list[dict[str, object]], text: str) -> None:
    name, equals, value = text.partition("=")
    demand = next((one for one in demands if one["name"] == name), None)
    if not equals or demand is None:
        names = ", ".join(str(one["name"]) for one in demands)
        raise InputError.single("--rate", repr(text), f"DEMAND=RATE with a demand of: {names}")
    try:
        rate = float(value)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= MOST_RATE:
        expected = f"a number above 0, at most {MOST_RATE:g}, behind ="
        raise InputError.single("--rate", repr(text), expected)
    arrivals = demand["arrivals"]
    if isinstance(arrivals, dict):
        arrivals["rate"] = rate
    else:
        demand["rate"] = rate


def read_plan(path: str | os.PathLike[str]) -> ServingPlan:
    """Read a plan (``plan.json``).

    Raises
    ------
    InputError
        When the file cannot be read or is no plan.
    """
    text, source = read_text(path)
    data = opened(parse_json(text, source), source)
    with located(text, source):
        return ServingPlan.model_validate(data)


def plan_text(plan: ServingPlan) -> str:
    """Return a plan as the text of its file (``plan.json``), under its schema."""
    fields = stamped(plan.kind, plan.model_dump(mode="json"))
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"
