"""What a scenario is: a published system's problem, run here, as rows beside its figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from scheduling.errors import InputError

DATA_VARIABLE = "SCHEDULING_DATA"
"""Environment variable that names the folder of public data sets."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure that a scenario reproduces.

    Parameters
    ----------
    case
        What was run, and on how many instances.
    measure
        What the values are, with the unit.
    baseline, baseline_value
        What the result is compared with, and its value; ``None`` without one.
    method, value
        What was run here, and its value.
    gap
        Certified distance from the best possible, relative; ``None`` when not bounded.
    published
        The paper's own figure and where it stands; ``None`` when there is none.
    verdict
        What follows, in a few words.
    """

    case: str
    measure: str
    baseline: str | None
    baseline_value: float | None
    method: str
    value: float
    gap: float | None
    published: str | None
    verdict: str

    @property
    def ratio(self) -> float | None:
        """The value over the baseline's; ``None`` without one or when that is 0."""
        return self.value / self.baseline_value if self.baseline_value else None


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a scenario may spend, and where its data are.

    Parameters
    ----------
    seconds
        About how long it may take in all; scenarios take fewer instances where it is short.
    data
        Folder of public data sets; ``None`` when there is none.
    """

    seconds: float
    data: Path | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self.seconds - (time.monotonic() - self.started))

    def file(self, scenario: str, name: str) -> Path:
        """Return a file of the data sets.

        Raises
        ------
        InputError
            Naming the file that the scenario wants, when it is not there.
        """
        if self.data is None:
            found = f"{DATA_VARIABLE} unset"
            raise InputError.single(scenario, found, f"the folder that holds {name}")
        path = self.data / name
        if not path.is_file():
            raise InputError.single(scenario, f"no file {path}", f"the data set's {name}")
        return path


@dataclass(frozen=True, slots=True)
class Scenario:
    """A published system or study.

    Parameters
    ----------
    name
        Name on the command line.
    system
        What was published, with its source.
    wants
        Which files of the data sets it reads, or what it generates without them.
    run
        Runs it and returns its rows.
    """

    name: str
    system: str
    wants: str
    run: Callable[[Run], list[Row]]

    @property
    def command(self) -> str:
        """The call that reproduces it."""
        return f"scheduling reproduce {self.name}"


def data_folder() -> Path | None:
    """Folder of public data sets that the environment names; ``None`` without one."""
    folder = os.environ.get(DATA_VARIABLE)
    return Path(folder) if folder else None
