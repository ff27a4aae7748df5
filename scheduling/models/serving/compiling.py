"""From serving problems to arrays: exact scales, dominated templates, sites, limits of counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, floor

import numpy as np

from scheduling.errors import UnsupportedError
from scheduling.models.serving.arrays import OPEN, ROLES, Ints, ServingArrays
from scheduling.models.serving.packing import Packing, packings_of
from scheduling.models.serving.problem import (
    COST_SCALE,
    KV_SCALE,
    RATE_SCALE,
    TIME_SCALE,
    ServingProblem,
    Template,
)

MOST_SITES = 20_000
"""Most ways to fill one site that are written down."""

MOST_SPREAD = 10**9
"""Largest ratio of the rates of one template."""

_LARGEST = 2**62
"""Busy times, KV caches and prices stay below it, so that 64 bits hold them."""

Site = tuple[tuple[int, int], ...]
"""Templates of a unit and how many replicas of each."""


def exact(value: float) -> Fraction:
    """Return the decimal number as it is written."""
    return Fraction(repr(value))


class Compiler:
    """Builds the arrays of one problem."""

    def __init__(self, problem: ServingProblem) -> None:
        self.problem = problem
        self.pools = {pool.id: index for index, pool in enumerate(problem.pools)}
        self.demands = {demand.id: index for index, demand in enumerate(problem.demands)}
        self.running = {entry.template: entry.replicas for entry in problem.running}
        self.tables = [self._table(template) for template in problem.templates]
        self.times = [self._times(template) for template in problem.templates]
        self.kept = self._undominated()

    def _table(self, template: Template) -> Ints:
        fastest = max(exact(rate) for rate in template.rates.values()) * RATE_SCALE
        factors = [
            Fraction(1),
            *(exact(s.rates.get(template.id, s.all_rates)) for s in self.problem.scenarios),
        ]
        ceilings = [exact(c).as_integer_ratio() for c in template.ceilings]
        # Floors of products of fractions, without reducing each of them.
        rows = [
            [c * scaled.numerator // (d * scaled.denominator) for c, d in ceilings]
            for scaled in (fastest * factor for factor in factors)
        ]
        return np.array(rows, np.int64)

    def _times(self, template: Template) -> dict[int, int]:
        rates = {name: exact(rate) for name, rate in template.rates.items()}
        fastest, slowest = max(rates.values()), min(rates.values())
        if fastest > MOST_SPREAD * slowest:
            found = f"template {template.id!r} serves {float(fastest):g} and {float(slowest):g}"
            raise UnsupportedError(
                f"{found} requests a second, more than a factor of {MOST_SPREAD:,} apart; "
                "leave the slow demand out of its rates"
            )
        return {
            self.demands[name]: floor(TIME_SCALE * fastest / rate) for name, rate in rates.items()
        }

    def _watts(self, template: Template) -> int:
        pool = self.problem.pools[self.pools[template.pool]]
        if template.watts is not None:
            return ceil(exact(template.watts))
        return 0 if pool.watts is None else ceil(exact(pool.watts) * template.gpus)

    def _price(self, template: Template) -> int:
        price = self.problem.pools[self.pools[template.pool]].price_per_hour
        return 0 if price is None else round(exact(price) * COST_SCALE) * template.gpus

    def _undominated(self) -> list[int]:
        """Templates that no other one replaces at no more watts and no less rate."""
        alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for index, template in enumerate(self.problem.templates):
            key = (template.model, template.role, template.pool, template.gpus, template.group)
            alike[key].append(index)
        gone: set[int] = set()
        for members in alike.values():
            for index in members:
                others = (other for other in members if other != index and other not in gone)
                stays = self.problem.templates[index].id in self.running
                if not stays and any(self._replaces(other, index) for other in others):
                    gone.add(index)
        return [index for index in range(len(self.problem.templates)) if index not in gone]

    def _replaces(self, better: int, worse: int) -> bool:
        first, second = self.problem.templates[better], self.problem.templates[worse]
        times, others = self.times[better], self.times[worse]
        if self._watts(first) > self._watts(second) or not set(others) <= set(times):
            return False
        length = max(self.tables[better].shape[1], self.tables[worse].shape[1])
        # Whole numbers of Python: a rate times a busy time may exceed 64 bits.
        mine, theirs = (
            _stretched(self.tables[index], length).astype(object) for index in (better, worse)
        )
        return all(
            bool((mine * other >= theirs * times[demand]).all()) for demand, other in others.items()
        )

    def arrays(self) -> ServingArrays:
        """Put everything together."""
        problem, kept = self.problem, self.kept
        templates = [problem.templates[index] for index in kept]
        models: dict[str, int] = {}
        for template in templates:
            models.setdefault(template.model, len(models))
        cost = np.array([self._price(template) for template in templates], np.int64)
        watts = np.array([self._watts(template) for template in templates], np.int64)
        gpus = np.array([template.gpus for template in templates], np.int64)
        sites = [*self._single(templates), *self._paired(templates)]
        paired = np.array([self._pairs(templates[site[0][0]]) for site in sites], np.bool_)
        totals = [
            np.array([sum(n * int(what[k]) for k, n in site) for site in sites], np.int64)
            for what in (gpus, cost, watts)
        ]
        groups = np.array([templates[site[0][0]].groups for site in sites], np.int64)
        pool = np.array([self.pools[template.pool] for template in templates], np.int64)
        unit_pool = np.array([pool[site[0][0]] for site in sites], np.int64)
        slots = [(u, k, n) for u, site in enumerate(sites) for k, n in site]
        arcs = [
            (slot, demand, time)
            for slot, (_, k, _) in enumerate(slots)
            for demand, time in self.times[kept[k]].items()
        ]
        demand = self._demand()
        sizes = totals[0] // np.maximum(groups, 1)
        limits = self._limits()
        columns = [np.array(column, np.int64) for column in _columns(slots, 3)]
        arc_columns = [np.array(column, np.int64) for column in _columns(arcs, 3)]
        capacity = tuple(self.tables[index] for index in kept)
        running = np.array([self.running.get(t.id, 0) for t in templates], np.int64)
        most = self._most(templates, sites, paired, totals, limits, demand, running)
        found = ServingArrays(
            templates=np.array(kept, np.int64),
            role=np.array([ROLES.index(template.role) for template in templates], np.int64),
            model=np.array([models[template.model] for template in templates], np.int64),
            pool=pool,
            gpus=gpus,
            cost=cost,
            watts=watts,
            running=running,
            capacity=capacity,
            demand=demand,
            kv=np.array([-(-d.kv_bytes_per_request // KV_SCALE) for d in problem.demands]),
            bandwidth=self._bandwidth(),
            unit_pool=unit_pool,
            unit_size=sizes,
            unit_groups=groups,
            unit_gpus=totals[0],
            unit_cost=totals[1],
            unit_watts=totals[2],
            unit_limit=np.array(most, np.int64),
            slot_unit=columns[0],
            slot_template=columns[1],
            slot_count=columns[2],
            arc_slot=arc_columns[0],
            arc_demand=arc_columns[1],
            arc_time=arc_columns[2],
            paired=paired,
            packings=tuple(self._packings(unit_pool, sizes)),
            goals=tuple(problem.goals),
            limits=limits,
            types=problem.limits.templates_per_role,
            met=problem.demands_are_met,
        )
        self._require_64_bits(found)
        return found

    def _require_64_bits(self, arrays: ServingArrays) -> None:
        """Refuse fleets whose busy times, KV caches or costs would not be counted exactly."""
        most = arrays.unit_limit.tolist()
        slots = list(
            zip(
                arrays.slot_unit.tolist(),
                arrays.slot_template.tolist(),
                arrays.slot_count.tolist(),
                strict=True,
            )
        )
        served = [int(arrays.capacity[k].max()) * count * most[unit] for unit, k, count in slots]
        arcs = zip(arrays.arc_slot.tolist(), arrays.arc_demand.tolist(), strict=True)
        caches = [
            served[slot] * int(arrays.kv[demand])
            for slot, demand in arcs
            if arrays.bandwidth[arrays.pool[slots[slot][1]]] is not None
        ]
        amounts = {
            "rates of the replicas that a pool holds": TIME_SCALE * max(served, default=0),
            "KV caches of these replicas": max(caches, default=0),
            "prices of all replicas": int(arrays.unit_cost.astype(object) @ arrays.unit_limit),
        }
        for name, amount in amounts.items():
            if amount >= _LARGEST:
                raise UnsupportedError(
                    f"the {name} sum to more than 64 bits hold; give smaller pools or rates"
                )

    def _pairs(self, template: Template) -> bool:
        return self.problem.kv_affinity == "low" and template.role != "both"

    def _single(self, templates: list[Template]) -> Iterator[Site]:
        for k, template in enumerate(templates):
            if not self._pairs(template):
                yield ((k, 1),)

    def _paired(self, templates: list[Template]) -> Iterator[Site]:
        """All sites: prefill and decode replicas of one model that fit on one node together.

        Replicas that run now may also stay alone, without a load.
        """
        for k, template in enumerate(templates):
            if self._pairs(template) and self.running.get(template.id, 0):
                yield ((k, 1),)
        alike: dict[tuple[str, str, int], list[int]] = defaultdict(list)
        for k, template in enumerate(templates):
            if self._pairs(template):
                alike[template.model, template.pool, template.groups].append(k)
        count = 0
        for (_, pool, _), members in alike.items():
            room = self.problem.pools[self.pools[pool]].gpus_per_node or 0
            for site in _fillings(templates, members, room):
                count += 1
                if count > MOST_SITES:
                    found = f"more than {MOST_SITES} ways to fill a site"
                    raise UnsupportedError(f"{found}; give fewer templates for kv_affinity low")
                yield site

    def _demand(self) -> Ints:
        problem = self.problem
        factors = [
            [exact(s.demands.get(demand.id, s.all_demands)) for demand in problem.demands]
            for s in problem.scenarios
        ]
        given = [
            OPEN if d.requests_per_second is None else exact(d.requests_per_second) * RATE_SCALE
            for d in problem.demands
        ]
        rows = [
            [OPEN if rate == OPEN else max(1, round(rate * factor)) for rate, factor in row]
            for row in (
                zip(given, entry, strict=True) for entry in ([Fraction(1)] * len(given), *factors)
            )
        ]
        return np.array(rows, np.int64)

    def _bandwidth(self) -> tuple[int | None, ...]:
        """Of each pool, in millionths of a kilobyte a second."""
        return tuple(
            None
            if pool.kv_bytes_per_second is None
            else min(
                _LARGEST,
                floor(exact(pool.kv_bytes_per_second) * (pool.nodes or 0) * RATE_SCALE / KV_SCALE),
            )
            for pool in self.problem.pools
        )

    def _limits(self) -> dict[str, int]:
        limits = self.problem.limits
        found: dict[str, int] = {}
        if limits.gpus is not None:
            found["gpus"] = limits.gpus
        if limits.cost_per_hour is not None:
            found["cost"] = floor(exact(limits.cost_per_hour) * COST_SCALE)
        if limits.watts is not None:
            found["watts"] = floor(exact(limits.watts))
        if limits.moves is not None:
            found["moves"] = limits.moves
        return found

    def _packings(self, unit_pool: Ints, sizes: Ints) -> Iterator[Packing]:
        for index, pool in enumerate(self.problem.pools):
            here = set(sizes[unit_pool == index].tolist())
            if pool.nodes is None or pool.gpus_per_node is None:
                if here:
                    yield Packing(index, pool.size, 1, (1,), {size: size for size in here})
            else:
                node = pool.gpus_per_node
                yield from packings_of(index, pool.nodes, node, pool.domain or node, here)

    def _most(
        self,
        templates: list[Template],
        sites: list[Site],
        paired: np.ndarray,
        totals: list[Ints],
        limits: dict[str, int],
        demand: Ints,
        running: Ints,
    ) -> list[int]:
        """Most units of each kind that fit, and that can be of use."""
        found = []
        greedy = bool({"goodput", "rate"} & set(self.problem.goals))
        names = ("gpus", "cost", "watts")
        for unit, site in enumerate(sites):
            pool = self.problem.pools[self.pools[templates[site[0][0]].pool]]
            most = pool.size // max(1, int(totals[0][unit]))
            for name, column in zip(names, totals, strict=True):
                if name in limits and column[unit]:
                    most = min(most, limits[name] // int(column[unit]))
            if not greedy and not paired[unit]:
                k = site[0][0]
                most = min(most, max(self._enough(k, demand, most), int(running[k])))
            found.append(most)
        return found

    def _enough(self, k: int, demand: Ints, most: int) -> int:
        """Replicas that serve all demands of a template alone, in every scenario."""
        table, times = self.tables[self.kept[k]], self.times[self.kept[k]]
        load = sum(
            (demand[:, c].astype(object) * time for c, time in times.items()),
            np.zeros(len(demand), object),
        )
        low, high = 1, most
        if most < 1 or not self._serves(table, load, most):
            return most
        while low < high:
            middle = (low + high) // 2
            if self._serves(table, load, middle):
                high = middle
            else:
                low = middle + 1
        return low

    @staticmethod
    def _serves(table: Ints, load: np.ndarray, count: int) -> bool:
        share = table[:, min(count, table.shape[1]) - 1].astype(object)
        return bool((share * count * TIME_SCALE >= load).all())


def _stretched(table: Ints, length: int) -> Ints:
    last = np.repeat(table[:, -1:], length - table.shape[1], axis=1)
    return np.concatenate([table, last], axis=1)


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> list[tuple[int, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _fillings(templates: list[Template], members: list[int], room: int) -> Iterator[Site]:
    """Sites with a replica of each role whose groups have room on one node."""
    stack: list[tuple[Site, int, int]] = [((), 0, room)]
    while stack:
        chosen, position, left = stack.pop()
        if position == len(members):
            if {templates[k].role for k, _ in chosen} == {"prefill", "decode"}:
                yield chosen
            continue
        k = members[position]
        for number in range(left // templates[k].group + 1):
            more = (*chosen, (k, number)) if number else chosen
            stack.append((more, position + 1, left - number * templates[k].group))
