"""What ``scheduling simulate`` is asked for, by the options that go together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be asked of policies on most problems; fields are the options of the verb.

    ``typed`` names those that stand on the command line: what files and the environment set as a
    default is left out where it means nothing.
    """

    policies: tuple[str, ...]
    time_limit: float | None
    work_limit: float | None
    workers: int | None
    seed: int
    output: Path | None
    json: bool
    typed: frozenset[str]

    @property
    def solving(self) -> dict[str, Any]:
        """What is asked of the search for the offline problem, as arguments."""
        return {
            "time_limit": self.time_limit,
            "work_limit": self.work_limit,
            "workers": self.workers,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of scenarios of requests alone; fields are the options of the verb."""

    trace: str | None
    router: str | None
    strict: bool
    capacity: float | None
    times: Path | None
    viewer: Path | None
    plot: Path | None
    objectives: tuple[str, ...]
    rates: str | None
    seeds: str | None
    backend: str | None

    @property
    def given(self) -> dict[str, Any]:
        """The options by name; the value of one that is not given is ``None``."""
        return {
            "--trace": self.trace,
            "--router": self.router,
            "--strict": self.strict or None,
            "--capacity": self.capacity,
            "--times": self.times,
            "--viewer": self.viewer,
            "--plot": self.plot,
            "--objective": list(self.objectives) or None,
            "--rates": self.rates,
            "--seeds": self.seeds,
            "--backend": self.backend,
        }
