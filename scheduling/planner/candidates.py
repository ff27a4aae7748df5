"""Kinds of replicas to choose from, and those that are ruled out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.serving.fleet import short_precision
from scheduling.models.serving.plan import Component, Role
from scheduling.planner.ceilings import MOST_REPLICAS, Floats
from scheduling.planner.iterations import Room
from scheduling.planner.layouts import PoolFacts
from scheduling.planner.loads import Load
from scheduling.planner.resolve import ModelFacts
from scheduling.planner.sized import Floor, Sized


@dataclass(frozen=True)
class Candidate:
    """A kind of replica that keeps the targets of its demands.

    Parameters
    ----------
    id
        Unique name.
    model, pool, role, layout, precision
        What it is.
    loads
        The demands that it can serve.
    sized
        How it is run, and the rates that it sustains.
    kv_tokens
        Tokens that its KV cache holds.
    memory_share
        Share of a GPU's memory that the runtime may take.
    derate
        Factor on its ceilings, below 1 where a simulation has shown that they are too high.
    """

    id: str
    model: ModelFacts
    pool: PoolFacts
    role: Role
    layout: Layout
    precision: Precision
    loads: tuple[Load, ...]
    sized: Sized
    kv_tokens: int
    memory_share: float
    derate: float = 1.0

    @property
    def most(self) -> int:
        """Most replicas that the pool has GPUs for."""
        return max(1, min(self.pool.gpus // self.layout.gpus, MOST_REPLICAS))

    @cached_property
    def ceilings(self) -> Floats:
        """How busy 1, 2, … of its replicas may be."""
        return self.sized.ceilings(self.most) * self.derate

    @property
    def watts(self) -> float:
        """Power of one replica: as stated for the pool, else by the cost model, else the limit."""
        if self.pool.watts is not None:
            return self.pool.watts * self.layout.gpus
        if self.sized.watts is not None:
            return self.sized.watts
        return self.pool.gpu.watts * self.layout.gpus


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A kind of replica that is no candidate, and why.

    ``never``: whatever is asked of it, because of memory, shapes, number types or quality.
    ``demands``: those that it was to serve, where that matters. ``floor``: the target that it
    misses by least.
    """

    model: str
    pool: str
    role: Role
    layout: Layout
    precision: Precision
    reason: str
    never: bool = False
    demands: tuple[str, ...] = ()
    floor: Floor | None = None

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "model": self.model,
            "pool": self.pool,
            "role": self.role,
            "layout": self.layout.model_dump(),
            "precision": short_precision(self.precision),
            "reason": self.reason,
        }


class Untried(NamedTuple):
    """Layouts of a model on a pool in a precision, which there was no time to try for some demands.

    ``rooms`` are the layouts, each with what a replica has in it.
    """

    model: ModelFacts
    pool: PoolFacts
    precision: Precision
    loads: tuple[Load, ...]
    rooms: tuple[tuple[Layout, Room], ...]


@dataclass(frozen=True)
class Candidates:
    """All kinds of replicas of a fleet.

    Parameters
    ----------
    kept
        Those to choose from.
    ruled_out
        The others, each with its reason.
    tried
        All that keep the targets and that nothing replaces: those to choose from, and those whose
        KV is of another type than theirs.
    untried
        What there was no time to try.
    """

    kept: tuple[Candidate, ...]
    ruled_out: tuple[RuledOut, ...]
    tried: tuple[Candidate, ...]
    untried: tuple[Untried, ...]

    @property
    def complete(self) -> bool:
        """Whether all kinds were tried in the time."""
        return not self.untried


def is_component(one: Candidate, component: Component) -> bool:
    """Tell whether the replicas of a component are of this kind."""
    mine = (one.model.name, one.role, one.pool.name, one.layout, one.precision)
    theirs = (
        component.model,
        component.role,
        component.pool,
        component.layout,
        component.precision,
    )
    batch = (one.sized.sequences, one.sized.token_budget)
    return mine == theirs and batch == (component.max_sequences, component.token_budget)


def slug(text: str) -> str:
    """Return a text as a part of a name in Kubernetes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
