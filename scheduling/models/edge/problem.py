"""Tasks of inference that one edge accelerator or the cloud runs before their deadlines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.faults import repeated

Milliseconds = Annotated[int, Field(ge=1, le=10**9)]
Amount = Annotated[int, Field(ge=0, le=10**6)]


class EdgeModel(Frozen):
    """A model: what a result in time is worth, what a run costs, how long it takes.

    A run on the edge that ends in time earns ``benefit - edge_cost``, one in the cloud
    ``benefit - cloud_cost``; a run that ends late only costs.
    """

    id: Name
    benefit: Amount = Field(description="Utility of a result in time.")
    edge_cost: Amount
    cloud_cost: Amount
    edge_ms: Milliseconds = Field(description="Expected milliseconds of a run on the edge.")
    cloud_ms: Milliseconds = Field(description="Expected milliseconds of a run in the cloud.")
    deadline_ms: Milliseconds = Field(description="Milliseconds from arrival to deadline.")


class EdgeTask(Frozen):
    """One inference."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=380)]
    model: Name
    arrival_ms: Annotated[int, Field(ge=0, le=10**9)] = 0
    edge_ms: Milliseconds | None = Field(
        default=None,
        description="Milliseconds that it takes on the edge, which show when it ends; none: as the "
        "model says.",
    )
    cloud_ms: Milliseconds | None = Field(
        default=None,
        description="Milliseconds that it takes in the cloud, which show when it returns; none: as "
        "the model says.",
    )


class EdgeCloud(Problem):
    """Choose for each task the edge, the cloud or neither; maximise the sum of utilities.

    The edge runs one task at a time without interruption; the cloud runs any number side by side.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["edge-cloud"] = "edge-cloud"
    models: Annotated[Many[EdgeModel], Field(min_length=1)]
    tasks: Annotated[Many[EdgeTask], Field(min_length=1)]

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("models", (model.id for model in self.models))
        yield from repeated("tasks", (task.id for task in self.tasks))
        known = {model.id for model in self.models}
        for number, task in enumerate(self.tasks):
            if task.model not in known:
                yield Fault(f"tasks[{number}].model", repr(task.model), "the id of a model")

    def items(self) -> tuple[Item, ...]:
        """Return each task with what its model says."""
        by_id = {model.id: model for model in self.models}
        return tuple(
            Item(number, task, by_id[task.model]) for number, task in enumerate(self.tasks)
        )


class Item:
    """A task with its model.

    Attributes
    ----------
    number
        Position among the tasks.
    task, model
        What it is.
    arrival, deadline
        In milliseconds.
    edge_ms, cloud_ms
        How long a run takes, which shows when it ends.
    edge_gain, cloud_gain
        Utility of a run that ends in time; may be negative.
    """

    __slots__ = (
        "arrival",
        "cloud_gain",
        "cloud_ms",
        "deadline",
        "edge_gain",
        "edge_ms",
        "model",
        "number",
        "task",
    )

    def __init__(self, number: int, task: EdgeTask, model: EdgeModel) -> None:
        self.number = number
        self.task = task
        self.model = model
        self.arrival = task.arrival_ms
        self.deadline = task.arrival_ms + model.deadline_ms
        self.edge_ms = model.edge_ms if task.edge_ms is None else task.edge_ms
        self.cloud_ms = model.cloud_ms if task.cloud_ms is None else task.cloud_ms
        self.edge_gain = model.benefit - model.edge_cost
        self.cloud_gain = model.benefit - model.cloud_cost

    @property
    def most(self) -> int:
        """Return the largest utility that it may have, at least 0."""
        return max(self.edge_gain, self.cloud_gain, 0)
