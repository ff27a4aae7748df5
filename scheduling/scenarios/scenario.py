"""What a scenario is: a published system's problem, run here, as rows beside its figures."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from scheduling.errors import InputError
from scheduling.solvers.warmup import clock, kernels_first

DATA_VARIABLE = "SCHEDULING_DATA"
"""Environment variable that names the folder of public data sets."""

Entry = TypeVar("Entry")
Found = TypeVar("Found")


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


class MissingDataError(InputError):
    """A scenario's data set is not there; the message names the file."""


class TooShortError(InputError):
    """The time that a scenario may take does not suffice for its figures."""


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
    started: float = field(default_factory=clock)

    @property
    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self.seconds - (clock() - self.started))

    def share(self, of: int) -> Run:
        """Return a run that may take an equal share of what is left, for the next of so many."""
        return Run(self.left / of, self.data)

    def each(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield entries while there is time for as long as the longest took; always the first."""
        longest = 0.0
        for number, entry in enumerate(entries):
            before = self.left
            if number and before <= longest:
                return
            yield entry
            longest = max(longest, before - self.left)

    def largest(
        self, sizes: Iterable[int], attempt: Callable[[int], Found], power: float = 1.0
    ) -> Found:
        """Return what comes of the largest size that there is time for.

        The first is tried in any case; what it takes tells how far the time reaches.

        Parameters
        ----------
        sizes
            In increasing order.
        attempt
            What is done with one of them.
        power
            Of a size with which time grows.
        """
        first, *others = sizes
        before = self.left
        found = attempt(first)
        took = before - self.left
        fitting = [size for size in others if took * (size / first) ** power < self.left]
        return attempt(fitting[-1]) if fitting else found

    def file(self, scenario: str, name: str) -> Path:
        """Return a file of the data sets.

        Raises
        ------
        MissingDataError
            Naming the file that the scenario wants, when it is not there.
        """
        if self.data is None:
            found = f"{DATA_VARIABLE} unset"
            raise MissingDataError.single(scenario, found, f"the folder that holds {name}")
        path = self.data / name
        if not path.is_file():
            raise MissingDataError.single(scenario, f"no file {path}", f"the data set's {name}")
        return path


@dataclass(frozen=True, slots=True)
class Target:
    """What rows must show for a published result to count as reproduced.

    Parameters
    ----------
    row
        Regular expressions: each is found in case, measure, baseline or method of the rows that
        it speaks of. There is at least one such row, and all of them must keep to it.
    of
        Which figure: the ratio to the baseline, the value itself, or its certified gap.
    at_least, at_most
        Range that agrees with the published result; ``None``: open on that side.
    better
        Which side of the range beats the published result; ``None``: neither.
    otherwise
        Why it may come out otherwise here; shown where it does.
    """

    row: tuple[str, ...]
    of: Literal["ratio", "value", "gap"] = "ratio"
    at_least: float | None = None
    at_most: float | None = None
    better: Literal["less", "more"] | None = None
    otherwise: str | None = None

    def picks(self, row: Row) -> bool:
        """Tell whether the target speaks of a row."""
        texts = (row.case, row.measure, row.baseline or "", row.method)
        return all(any(re.search(wanted, text) for text in texts) for wanted in self.row)

    def figure(self, row: Row) -> float | None:
        """Return the row's figure that it speaks of; ``None`` when the row has none."""
        return {"ratio": row.ratio, "value": row.value, "gap": row.gap}[self.of]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A published system or study.

    Parameters
    ----------
    name
        Name on the command line.
    system
        What was published, with its source.
    problem
        What is solved or simulated, in a few words.
    wants
        Which files of the data sets it reads, or what it generates without them.
    run
        Runs it and returns its rows.
    targets
        What its rows must show; the first one's row stands for the system in tables.
    """

    name: str
    system: str
    problem: str
    wants: str
    run: Callable[[Run], list[Row]]
    targets: tuple[Target, ...]

    @property
    def command(self) -> str:
        """The call that reproduces it."""
        return f"scheduling reproduce {self.name}"

    def rows(self, seconds: float) -> list[Row]:
        """Run it for about so many seconds; compiling kernels does not count."""
        with kernels_first():
            return self.run(Run(seconds, data_folder()))


def data_folder() -> Path | None:
    """Folder of public data sets that the environment names; ``None`` without one."""
    folder = os.environ.get(DATA_VARIABLE)
    return Path(folder) if folder else None
