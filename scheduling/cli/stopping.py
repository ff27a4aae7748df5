"""Runs that Ctrl-C stops: what has ended is shown, and the exit code says that it is not all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import typer

from scheduling.backends.carrying import StoppedError
from scheduling.cli.output import fail

EXIT_STOPPED = 130

INTERRUPTED = "interrupted"
"""What is said of a call that had nothing to show yet."""

_Found = TypeVar("_Found")
_Comparison = TypeVar("_Comparison")


def gather(run: Callable[[], Sequence[_Found]]) -> tuple[list[_Found], str | None]:
    """Return the results of runs; with them, where the keyboard stopped these, what to say."""
    try:
        return list(run()), None
    except StoppedError as stop:
        return list(stop.done), str(stop)


def compare(run: Callable[[], _Comparison]) -> tuple[_Comparison, str | None]:
    """Return policies side by side; with them, where the keyboard stopped some, what to say."""
    from scheduling.simulator.side_by_side import StoppedComparisonError

    try:
        return run(), None
    except StoppedComparisonError as stop:
        return cast("_Comparison", stop.comparison), str(stop)


def end(stopped: str | None) -> None:
    """End with the exit code of an interrupt where runs were stopped."""
    if stopped is not None:
        fail(stopped)
        raise typer.Exit(EXIT_STOPPED)
