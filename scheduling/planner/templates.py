"""From a fleet to the kinds of replicas that can serve it, and to the problem of choosing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity, layout_faults, weight_bytes_per_gpu
from scheduling.models.cost.operators import flop_rate
from scheduling.models.cost.precision import BYTES, Dtype, Precision
from scheduling.models.serving.fleet import short_precision
from scheduling.models.serving.plan import Role
from scheduling.planner.candidates import Candidate, Candidates, RuledOut, slug
from scheduling.planner.iterations import Room
from scheduling.planner.layouts import PoolFacts, layouts
from scheduling.planner.loads import Load
from scheduling.planner.resolve import ModelFacts, Resolved
from scheduling.planner.sizing import Sized, Sizer, Unfit

_GB = 1e9
_MOST_TIMES = 8
"""Layouts of more GPUs than so many times those of the smallest one that fits are left out."""


def candidates(resolved: Resolved, slow: float | None = None) -> Candidates:
    """Find the kinds of replicas that can serve a fleet.

    Parameters
    ----------
    resolved
        The fleet.
    slow
        Factor on all times that targets must survive; default: the worst of its scenarios.
    """
    scenarios = resolved.fleet.scenarios
    factor = slow or max([1.0, *(scenario.latency for scenario in scenarios)])
    kept: list[Candidate] = []
    out: list[RuledOut] = []
    running: list[Candidate] = []
    for model in resolved.models:
        loads = resolved.loads_of(model.name)
        if not loads:
            continue
        groups: list[tuple[Load, ...]] = [(load,) for load in loads]
        if len(loads) > 1:
            groups.append(tuple(loads))
        for pool in resolved.pools:
            found: list[Candidate] = []
            for choice in _choices(model, pool, out):
                search = _Search(resolved, model, pool, choice, factor, out)
                for group in groups:
                    found += search.candidates(group)
                running += search.running(groups)
            kept += _undominated(found, out)
    kept += [one for one in running if one.id not in {other.id for other in kept}]
    return Candidates(tuple(_one_kv_type(kept, out)), tuple(out))


def kv_rate(pool: PoolFacts, layout: Layout, affinity: Literal["high", "low"]) -> float:
    """Return the bytes per second at which the KV caches of a replica leave it.

    The GPUs that hold parts of a cache send them at once, over the network or, where caches stay on
    a node, over its links.
    """
    bandwidth = pool.gpu.link_bandwidth if affinity == "low" else pool.gpu.network_bandwidth
    return bandwidth * min(layout.tp * layout.pp, pool.gpus_per_node)


def _choices(model: ModelFacts, pool: PoolFacts, out: list[RuledOut]) -> Iterator[Precision]:
    """Yield the precisions that are good enough and that the GPUs multiply in."""
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
            yield choice.precision
        else:
            dropped = RuledOut(
                model.name, pool.name, "both", Layout(), choice.precision, reason, never=True
            )
            out.append(dropped)


class _Search:
    """One model on one pool in one precision."""

    def __init__(
        self,
        resolved: Resolved,
        model: ModelFacts,
        pool: PoolFacts,
        precision: Precision,
        slow: float,
        out: list[RuledOut],
    ) -> None:
        self._resolved, self._options = resolved, resolved.fleet.options
        self._model, self._pool, self._precision = model, pool, precision
        self._out = out
        self._rooms: list[tuple[Layout, Room]] = []
        for layout in layouts(model.llm, pool, self._options):
            if self._rooms and layout.gpus > _MOST_TIMES * self._rooms[0][0].gpus:
                least = f"the {self._rooms[0][0].gpus} GPUs that are enough"
                self._drop(layout, f"more than {_MOST_TIMES} times {least}")
                continue
            room = self._room(layout, slow)
            if room is not None:
                self._rooms.append((layout, room))

    def _drop(self, layout: Layout, reason: str) -> None:
        model, pool = self._model.name, self._pool.name
        self._out.append(RuledOut(model, pool, "both", layout, self._precision, reason, never=True))

    def _drop_slow(self, role: Role, layout: Layout, loads: tuple[Load, ...], unfit: Unfit) -> None:
        dropped = RuledOut(
            self._model.name,
            self._pool.name,
            role,
            layout,
            self._precision,
            str(unfit),
            demands=tuple(load.demand for load in loads),
            floor=unfit.floor,
        )
        self._out.append(dropped)

    def _room(self, layout: Layout, slow: float) -> Room | None:
        llm, gpu = self._model.llm, self._pool.gpu
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
        return Room(cost, held, slow, per_token / rate)

    def candidates(self, loads: tuple[Load, ...]) -> Iterator[Candidate]:
        """Yield the ways to serve some demands together."""
        modes = self._options.modes
        roles: list[Role] = ["both"] if "aggregated" in modes else []
        if "disaggregated" in modes and all(load.steps for load in loads):
            roles += ["prefill", "decode"]
        for layout, room in self._rooms:
            for role in roles:
                try:
                    sizer = Sizer(loads, room, self._options.max_sequences)
                    ways = sizer.sized(role)
                except Unfit as unfit:
                    self._drop_slow(role, layout, loads, unfit)
                    continue
                for sized in ways:
                    yield self._candidate(role, layout, loads, sized, room)

    def running(self, groups: Sequence[tuple[Load, ...]]) -> Iterator[Candidate]:
        """Yield what runs now, run as it is, for the demands that it serves and still keeps."""
        plan = self._resolved.fleet.running
        if plan is None:
            return
        for component in plan.components:
            names = {route.demand for route in plan.routes if route.component == component.name}
            served = [group for group in groups if names == {load.demand for load in group}]
            mine = (component.model, component.pool, component.precision)
            rooms = [room for layout, room in self._rooms if layout == component.layout]
            if mine != (self._model.name, self._pool.name, self._precision) or not rooms:
                continue
            loads = served[0] if served else groups[-1]
            batch = 0 if component.role == "prefill" else component.max_sequences or 1
            try:
                sizer = Sizer(loads, rooms[0], self._options.max_sequences)
                sized = sizer.at(component.role, batch, component.token_budget)
            except Unfit as unfit:
                self._drop_slow(component.role, component.layout, loads, unfit)
                continue
            yield self._candidate(component.role, component.layout, loads, sized, rooms[0])

    def _candidate(
        self, role: Role, layout: Layout, loads: tuple[Load, ...], sized: Sized, room: Room
    ) -> Candidate:
        words = [
            self._model.name,
            role,
            self._pool.name,
            str(layout),
            short_precision(self._precision),
        ]
        words.append(f"b{sized.sequences}")
        if sized.token_budget is not None:
            words.append(f"t{sized.token_budget}")
        if len(loads) < len(self._resolved.loads_of(self._model.name)):
            words.append(loads[0].demand)
        kv = room.kv_tokens.get(sized.token_budget or 0, max(room.kv_tokens.values()))
        return Candidate(
            "-".join(slug(word) for word in words),
            self._model,
            self._pool,
            role,
            layout,
            self._precision,
            loads,
            sized,
            kv,
            self._options.memory_share,
        )


def _undominated(found: Sequence[Candidate], out: list[RuledOut]) -> list[Candidate]:
    """Drop kinds that another one of the same GPUs replaces at no loss, whatever their number."""
    kept: list[Candidate] = []
    for one in sorted(found, key=lambda c: (c.layout.gpus, -sum(c.sized.rates.values()), c.id)):
        better = next((other for other in kept if _replaces(other, one)), None)
        if better is None:
            kept.append(one)
        else:
            reason = f"replaced at no loss by {better.id}"
            out.append(
                RuledOut(one.model.name, one.pool.name, one.role, one.layout, one.precision, reason)
            )
    return kept


def _replaces(one: Candidate, other: Candidate) -> bool:
    """Tell whether any number of the other's replicas can give way to some of this kind."""
    times, rest = divmod(other.layout.gpus, one.layout.gpus)
    fine = other.layout.tp % one.layout.tp == 0 and rest == 0
    if one.role != other.role or not fine or one.precision.kv != other.precision.kv:
        return False
    if not set(one.sized.rates) >= set(other.sized.rates) or one.watts * times > other.watts:
        return False
    mine = one.ceilings[np.minimum(np.arange(1, other.most + 1) * times, one.most) - 1] * times
    return all(
        bool(np.all(mine * one.sized.rates[demand] >= other.ceilings * rate))
        for demand, rate in other.sized.rates.items()
    )


def _one_kv_type(kept: Sequence[Candidate], out: list[RuledOut]) -> list[Candidate]:
    """Keep prefill and decode replicas of one KV type for each model: caches move between them.

    The smallest type is taken: it moves fastest and leaves room for the largest batches.
    """
    chosen: list[Candidate] = []
    split: dict[str, dict[Dtype, set[Role]]] = {}
    for one in kept:
        if one.role != "both":
            by_type = split.setdefault(one.model.name, {})
            by_type.setdefault(one.precision.kv, set()).add(one.role)
    for one in kept:
        roles = split.get(one.model.name, {})
        whole = [kv for kv, found in roles.items() if len(found) == 2] or list(roles)
        shared = min(whole, key=lambda kv: (BYTES[kv], kv), default=None)
        if one.role == "both" or one.precision.kv == shared:
            chosen.append(one)
        else:
            reason = f"prefill and decode share one type of KV, {shared} here"
            out.append(_dropped(one, reason))
    return chosen


def _dropped(one: Candidate, reason: str) -> RuledOut:
    model, pool = one.model.name, one.pool.name
    return RuledOut(model, pool, one.role, one.layout, one.precision, reason)
