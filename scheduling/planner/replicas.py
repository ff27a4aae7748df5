"""The replicas of one model on one pool in one precision: what fits, and how it serves demands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity, layout_faults, weight_bytes_per_gpu
from scheduling.models.cost.operators import flop_rate
from scheduling.models.cost.precision import Precision
from scheduling.models.serving.fleet import Options, short_precision
from scheduling.models.serving.plan import Role
from scheduling.planner.candidates import Candidate, RuledOut, slug
from scheduling.planner.iterations import Room
from scheduling.planner.layouts import PoolFacts, layouts
from scheduling.planner.loads import Load
from scheduling.planner.resolve import ModelFacts, Resolved
from scheduling.planner.sized import Sized, Unfit
from scheduling.planner.sizing import Sizer

_GB = 1e9
_MOST_TIMES = 8
"""Layouts of more GPUs than so many times those of the smallest one that fits are left out."""


def kv_rate(pool: PoolFacts, layout: Layout, affinity: Literal["high", "low"]) -> float:
    """Return the bytes per second at which the KV caches of a replica leave it.

    The GPUs that hold parts of a cache send them at once, over the network or, where caches stay on
    a node, over its links.
    """
    bandwidth = pool.gpu.link_bandwidth if affinity == "low" else pool.gpu.network_bandwidth
    return bandwidth * min(layout.tp * layout.pp, pool.gpus_per_node)


def choices(model: ModelFacts, pool: PoolFacts) -> tuple[list[Precision], list[RuledOut]]:
    """Return the precisions that are good enough and that the GPUs multiply in, and the others."""
    fine: list[Precision] = []
    out: list[RuledOut] = []
    for choice in model.choices:
        reason = None
        quality = choice.kept_quality
        if flop_rate(pool.gpu, choice.precision.compute) is None:
            reason = f"{pool.gpu.name} does not multiply {choice.precision.compute}"
        elif model.min_quality is not None and quality is None:
            reason = f"its quality is unknown, at least {model.min_quality:g} is asked for"
        elif model.min_quality is not None and quality is not None and quality < model.min_quality:
            reason = f"quality {quality:g} below {model.min_quality:g}"
        if reason is None:
            fine.append(choice.precision)
        else:
            dropped = RuledOut(
                model.name, pool.name, "both", Layout(), choice.precision, reason, never=True
            )
            out.append(dropped)
    return fine, out


class Found(NamedTuple):
    """Kinds of replicas for some demands, and those that are ruled out."""

    kept: list[Candidate]
    dropped: list[RuledOut]


class Search:
    """One model on one pool in one precision."""

    def __init__(
        self,
        options: Options,
        model: ModelFacts,
        pool: PoolFacts,
        precision: Precision,
        slow: float,
    ) -> None:
        self.model = model
        self.dropped: list[RuledOut] = []
        self._options, self._pool, self._precision = options, pool, precision
        self.rooms: list[tuple[Layout, Room]] = []
        for layout in layouts(model.llm, pool, self._options):
            if self.rooms and layout.gpus > _MOST_TIMES * self.rooms[0][0].gpus:
                enough = self.rooms[0][0].gpus
                least = "the one GPU" if enough == 1 else f"the {enough} GPUs"
                least += " that is enough" if enough == 1 else " that are enough"
                self._drop(layout, f"more than {_MOST_TIMES} times {least}")
                continue
            room = self._room(layout, slow)
            if room is not None:
                self.rooms.append((layout, room))

    def _drop(self, layout: Layout, reason: str) -> None:
        model, pool = self.model.name, self._pool.name
        dropped = RuledOut(model, pool, "both", layout, self._precision, reason, never=True)
        self.dropped.append(dropped)

    def _slow(self, role: Role, layout: Layout, loads: tuple[Load, ...], unfit: Unfit) -> RuledOut:
        return RuledOut(
            self.model.name,
            self._pool.name,
            role,
            layout,
            self._precision,
            str(unfit),
            demands=tuple(load.demand for load in loads),
            floor=unfit.floor,
        )

    def _room(self, layout: Layout, slow: float) -> Room | None:
        llm, gpu = self.model.llm, self._pool.gpu
        faults = layout_faults(llm, layout)
        if faults:
            self._drop(layout, "; ".join(map(str, faults)))
            return None
        share = self._options.memory_share
        capacities = {
            budget: kv_capacity(llm, gpu, layout, self._precision, share, batch_tokens=budget)
            for budget in sorted(self._options.token_budgets)
        }
        held = {budget: tokens for budget, tokens in capacities.items() if tokens is not None}
        if not held:
            weights = weight_bytes_per_gpu(llm, layout, self._precision) / _GB
            room = f"a GPU has {gpu.memory_bytes / _GB:.0f} GB"
            self._drop(layout, f"weights need {weights:.0f} GB of each GPU, {room}")
            return None
        cost = replica_cost(llm, gpu, layout, self._precision, engine=self._options.engine)
        per_token = llm.kv_bytes_per_token(self._precision.kv)
        rate = kv_rate(self._pool, layout, self._options.kv_affinity)
        return Room(cost, held, slow, per_token / rate, layout.pp * layout.dp)

    def ways(self, layout: Layout, room: Room, loads: tuple[Load, ...], whole: bool) -> Found:
        """Return the ways to serve some demands together in a layout.

        ``whole``: they are all demands of the model.
        """
        found = Found([], [])
        modes = self._options.modes
        roles: list[Role] = ["both"] if "aggregated" in modes else []
        if "disaggregated" in modes and all(load.steps for load in loads):
            roles += ["prefill", "decode"]
        for role in roles:
            try:
                sizer = Sizer(loads, room, self._options.max_sequences)
                ways = sizer.sized(role)
            except Unfit as unfit:
                found.dropped.append(self._slow(role, layout, loads, unfit))
                continue
            for sized in ways:
                found.kept.append(self._candidate(role, layout, loads, sized, room, whole))
        return found

    def running(self, resolved: Resolved, groups: Sequence[tuple[Load, ...]]) -> Found:
        """Return what runs now, run as it is, for the demands that it serves and still keeps."""
        found = Found([], [])
        plan = resolved.fleet.running
        if plan is None:
            return found
        for component in plan.components:
            names = {route.demand for route in plan.routes if route.component == component.name}
            served = [group for group in groups if names == {load.demand for load in group}]
            mine = (component.model, component.pool, component.precision)
            rooms = [room for layout, room in self.rooms if layout == component.layout]
            if mine != (self.model.name, self._pool.name, self._precision) or not rooms:
                continue
            loads = served[0] if served else groups[-1]
            batch = 0 if component.role == "prefill" else component.max_sequences or 1
            try:
                sizer = Sizer(loads, rooms[0], self._options.max_sequences)
                sized = sizer.at(component.role, batch, component.token_budget)
            except Unfit as unfit:
                found.dropped.append(self._slow(component.role, component.layout, loads, unfit))
                continue
            whole = loads == groups[-1]
            one = self._candidate(component.role, component.layout, loads, sized, rooms[0], whole)
            found.kept.append(one)
        return found

    def _candidate(
        self,
        role: Role,
        layout: Layout,
        loads: tuple[Load, ...],
        sized: Sized,
        room: Room,
        whole: bool,
    ) -> Candidate:
        words = [
            self.model.name,
            role,
            self._pool.name,
            str(layout),
            short_precision(self._precision),
        ]
        words.append(f"b{sized.sequences}")
        if sized.token_budget is not None:
            words.append(f"t{sized.token_budget}")
        if not whole:
            words.append(loads[0].demand)
        kv = room.kv_tokens.get(sized.token_budget or 0, max(room.kv_tokens.values()))
        return Candidate(
            "-".join(slug(word) for word in words),
            self.model,
            self._pool,
            role,
            layout,
            self._precision,
            loads,
            sized,
            kv,
            self._options.memory_share,
        )


class Trial:
    """Ways of a search to serve some demands together, tried layout by layout.

    Parameters
    ----------
    search
        The model, its pool and its precision.
    loads
        The demands.
    whole
        Whether they are all demands of the model.

    Attributes
    ----------
    found
        What those layouts brought that were tried.
    left
        The others, each with what a replica has in it.
    """

    def __init__(self, search: Search, loads: tuple[Load, ...], whole: bool) -> None:
        self._search, self.loads, self._whole = search, loads, whole
        self.found = Found([], [])
        self.left = list(search.rooms)

    def advance(self) -> None:
        """Try one layout more."""
        layout, room = self.left.pop(0)
        further = self._search.ways(layout, room, self.loads, self._whole)
        self.found.kept.extend(further.kept)
        self.found.dropped.extend(further.dropped)
