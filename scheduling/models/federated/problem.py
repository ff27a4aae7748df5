"""How many local steps each client makes before it sends its model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.faults import repeated

if TYPE_CHECKING:
    from scheduling.models.federated.solution import FederatedSolution

Steps = Annotated[int, Field(ge=1, le=10**6)]


class Client(Frozen):
    """A client and its speed."""

    id: Name
    seconds_per_step: Annotated[float, Field(gt=0, le=10**6)]
    noise: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.0, description="Standard deviation of the logarithm of a round's speed."
    )


class FederatedProblem(Problem):
    """Choose local steps so that the models of clients that start together arrive together.

    The time between the first and the last arrival is least, with speeds as expected. Numbers count
    as they are written in decimals.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["federated"] = "federated"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> FederatedSolution: ...

    min_steps: Steps
    max_steps: Steps
    latest_factor: Annotated[float, Field(ge=1, le=100)] = Field(
        default=1.2, description="How much longer than expected a group waits for its last model."
    )
    clients: Annotated[Many[Client], Field(min_length=1)]

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("clients", (client.id for client in self.clients))
        if self.min_steps > self.max_steps:
            yield Fault("min_steps", str(self.min_steps), f"at most max_steps, {self.max_steps}")
