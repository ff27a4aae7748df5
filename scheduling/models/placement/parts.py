"""Parts of nodes (GPUs, slices of GPUs, NUMA nodes), and what items take of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name
from scheduling.models.placement.rules import Labels

MAX_AMOUNT = 2**50
"""Largest capacity and demand."""

MAX_TOTAL = 2**61
"""Most of a resource that all nodes have, that all their parts have, and that all items ask for.

What nodes and items hold of it together stays below 2**63.
"""

Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
Demands = dict[Name, Amount]


class Part(Frozen):
    """A compartment of a node: a GPU, a NUMA node, a disk.

    For each resource r: ``sum(what items take of r on the part) <= capacity[r]``; a resource that
    is not named has capacity 0. Parts have resources of their own: what a part gives is not
    counted in its node's capacity.
    """

    id: Name = Field(description="Unique on its node.")
    kind: Name = Field(description="What it is, such as gpu or numa; shares name it.")
    capacity: Demands
    groups: Labels = Field(
        default_factory=dict,
        description="Domains inside the node that it belongs to, such as nvlink: '0'.",
    )


class Share(Frozen):
    """What an item takes of the parts of one kind.

    On ``count`` different parts of the kind, all on the item's node, it takes one of the
    ``options`` each; which one may differ from part to part. A whole GPU of 1000 milli is one
    option of 1000; half of one is an option of 500; a MIG profile has an option for each memory
    slice at which it may start; a VM on two NUMA nodes has ``count`` 2.
    """

    kind: Name
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    options: Many[Demands] = Field(description="What is taken of a part: one of these.")


class PartUse(Frozen):
    """A part that an item takes, with the index of the option of its share."""

    part: Name
    option: Annotated[int, Field(ge=0)] = 0


class Fragment(Frozen):
    """What counts as too small to be used: what is free beyond multiples of ``unit``.

    The sum of ``max(0, capacity - used) mod unit`` of ``resource`` over the nodes, or over the
    parts of ``kind``. With 16 cores as the unit this is the numerator of the fragment rate of VM
    rescheduling (VM2RL, EuroSys 2025); its denominator is the sum of what is free.
    """

    resource: Name
    unit: Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
    kind: Name | None = Field(default=None, description="Kind of parts; none: whole nodes.")
