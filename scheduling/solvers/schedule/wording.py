"""Parts of the sentences that say what a constraint demands."""

from __future__ import annotations

from typing import Literal

from scheduling.models.schedule.problem import Calendar, Mode, Precedence, Task

Sense = Literal["min", "max"]

_NAMED_WINDOWS = 4
"""So many windows of a calendar are named in its sentence."""


def hours_in_words(calendar: Calendar) -> str:
    """Say what a calendar says, its first windows at least."""
    windows = [(rest, "") for rest in calendar.breaks]
    windows += [(rest, f" of every {calendar.period}") for rest in calendar.periodic]
    parts = []
    for rest, often in windows[:_NAMED_WINDOWS]:
        speed = f"at {rest.efficiency} %" if rest.efficiency else "closed"
        parts.append(f"{speed} from {rest.start} to {rest.end}{often}")
    more = len(windows) - len(parts)
    return "; ".join([*parts, *([f"and {more} more windows"] if more else [])])


def unless_skipped(between: tuple[Task, ...]) -> str:
    """Say that tasks between the two void a rule when they run."""
    names = " and ".join(repr(task.id) for task in between)
    return f", unless {names} runs between them" if between else ""


def modes_in_words(modes: tuple[Mode, ...]) -> str:
    """Say what a task takes, in each of its modes."""
    if len(modes) == 1:
        return f"takes {_mode(modes[0])}"
    return f"takes one of: {'; '.join(_mode(mode) for mode in modes)}"


def _mode(mode: Mode) -> str:
    text = str(mode.duration) if mode.duration else "no time"
    if mode.machine is not None:
        text += f" on machine {mode.machine!r}"
    if mode.size > 1:
        text += f" with {mode.size} units in a batch"
    if mode.state is not None:
        text += f" in state {mode.state!r}"
    needs = [f"{amount} of {name!r}" for name, amount in mode.demands.items() if amount > 0]
    gives = [f"{amount} of {name!r}" for name, amount in mode.supplies.items() if amount > 0]
    text += f" with {', '.join(needs)}" if needs else ""
    return text + (f" and gives {', '.join(gives)}" if gives else "")


def relation_in_words(link: Precedence, sense: Sense, lag: int) -> str:
    """Say which side of a precedence comes how long after the other."""
    verbs = {"start": "starts", "end": "ends"}
    first, second = link.kind.split("-")
    after = f"task {link.after!r} {verbs[second]}"
    before = f"task {link.before!r} {verbs[first]}"
    if lag == 0:
        return f"{after} no {'earlier' if sense == 'min' else 'later'} than {before}"
    if lag > 0:
        return f"{after} at {'least' if sense == 'min' else 'most'} {lag} after {before}"
    return f"{after} at {'most' if sense == 'min' else 'least'} {-lag} before {before}"


def units_in_words(count: int) -> str:
    """Say so many units."""
    return "1 unit" if count == 1 else f"{count} units"
