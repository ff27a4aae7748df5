"""Which server each task of a mobile device goes to: delay against energy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.faults import repeated

if TYPE_CHECKING:
    from scheduling.models.offload.solution import OffloadSolution

MILLION = 10**6
"""Microseconds in a second, microjoules in a joule."""

Goal = Literal["delay", "energy"]
Seconds = Annotated[float, Field(ge=0, le=10**6)]


class Offer(Frozen):
    """What a task takes on one server."""

    server: Name
    upload_seconds: Seconds = Field(default=0.0, description="Until its data are there.")
    work_seconds: Annotated[float, Field(gt=0, le=10**6)] = Field(
        description="Time on the server when nothing else runs there."
    )
    joules: Annotated[float, Field(ge=0, le=10**9)] = Field(
        description="Energy of upload and work."
    )


class OffloadTask(Frozen):
    """A task of a device, and the servers that may run it."""

    id: Name
    arrival_seconds: Seconds = 0.0
    offers: Annotated[Many[Offer], Field(min_length=1)]


class OffloadProblem(Problem):
    """Assign each task to one server; minimise sums of delays and of energies, in tiers.

    A server gives all tasks that are there an equal share of its speed (processor sharing). The
    delay of a task is its completion less its arrival. Numbers count as they are written in
    decimals; the sum of the delays of a server's tasks is rounded up to whole microseconds, the
    energy of each task to whole microjoules. The tiers are in the order of ``goals``.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["offload"] = "offload"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> OffloadSolution: ...

    tasks: Annotated[Many[OffloadTask], Field(min_length=1, max_length=10**4)]
    goals: Annotated[Many[Goal], Field(min_length=1)] = ("delay", "energy")
    max_delay_seconds: Annotated[float, Field(ge=0, le=10**12)] | None = Field(
        default=None, description="Largest sum of delays."
    )
    max_joules: Annotated[float, Field(ge=0, le=10**12)] | None = Field(
        default=None, description="Largest sum of energies."
    )

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("goals", self.goals)
        yield from repeated("tasks", (task.id for task in self.tasks))
        for number, task in enumerate(self.tasks):
            place = f"tasks[{number}].offers"
            yield from repeated(place, (offer.server for offer in task.offers))

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of the servers, in the order in which tasks name them."""
        return tuple(dict.fromkeys(offer.server for task in self.tasks for offer in task.offers))


Assignment = tuple[int, ...]
"""The offer that each task takes, by its position."""
