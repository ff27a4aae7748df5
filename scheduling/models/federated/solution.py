"""Answers to problems of federated training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution


class ClientSteps(Frozen):
    """The local steps of a client."""

    client: Name
    steps: Annotated[int, Field(ge=1)]


class FederatedSolution(Solution):
    """Steps of all clients with their certificate."""

    kind: Literal["federated"] = "federated"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    clients: Many[ClientSteps] = ()
