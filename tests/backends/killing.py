"""Runs that end the process which carries them, for tests of engines."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Deadly:
    """A run that kills its worker until it has done so often enough.

    Parameters
    ----------
    number
        What it returns the square of.
    folder
        Where it counts.
    deaths
        How often it kills; ``None``: always.
    """

    number: int
    folder: str
    deaths: int | None


def squared(run: Deadly) -> int:
    """Return the square, if this process lives."""
    before = len(list(Path(run.folder).glob(f"{run.number}.*")))
    if run.deaths is None or before < run.deaths:
        (Path(run.folder) / f"{run.number}.{before}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return run.number**2


def refused(number: int) -> int:
    """Fail as a run with bad input."""
    from scheduling.errors import InputError

    raise InputError.single("number", str(number), "another one", "numbers.txt")
