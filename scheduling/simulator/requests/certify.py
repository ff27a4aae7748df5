"""How far a run is from what no policy can beat: objective, certified bound, gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from scheduling.models.base import relative_gap
from scheduling.models.cost.protocol import CostModel, KnowsMinorants, Minorant
from scheduling.models.requests.needs import Limits
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.clock import NS_PER_SECOND

if TYPE_CHECKING:
    from scheduling.models.requests.programs import ProgramTable
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.metrics import Slo
    from scheduling.simulator.requests.run import FleetRun
    from scheduling.solvers.requests.fleet_bounds import FleetBounds, Promises

Flags = NDArray[np.bool_]

Objective = Literal["e2e", "ttft", "makespan", "in-slo"]

OBJECTIVES: tuple[Objective, ...] = ("e2e", "ttft", "makespan", "in-slo")
"""Names of all objectives; the last one only where there are limits."""

MEANINGS: Mapping[Objective, str] = {
    "e2e": "mean seconds from arrival to the last token",
    "ttft": "mean seconds from arrival to the first token",
    "makespan": "seconds until the last request ends",
    "in-slo": "requests that keep their limits",
}
"""What each objective is, in words."""


@dataclass(frozen=True, slots=True)
class Certified:
    """An objective of a run with its bound.

    Parameters
    ----------
    objective
        Its name; see :data:`MEANINGS`.
    sense
        ``"min"``, or ``"max"`` for requests that keep their limits.
    value
        What the run reached.
    bound
        What no policy can beat on the same replicas for the requests that this one served; ``None``
        where times of iterations have no known functions below them.
    """

    objective: Objective
    sense: Literal["min", "max"]
    value: float
    bound: float | None

    @property
    def gap(self) -> float | None:
        """Distance of the two, relative to the larger; ``None`` without a bound."""
        return relative_gap(self.value, self.bound)


class Certifier:
    """Bounds of one fleet and its requests, for all policies that run on it.

    Groups of several kinds count as one kind that is as good as the best of them in every respect,
    and moves of KV between them as taking no time.

    Parameters
    ----------
    groups
        Groups of equal instances; their policies do not matter.
    slos
        Limits by class of requests.
    warmup_seconds
        Requests that came earlier do not count; the bounds leave them out, as if they took nothing.
    shared_tokens
        Tokens that requests may share in memory, and find again after an eviction: the bounds give
        them that much more of it.
    whole_answers
        Answers come whole at the end of as many steps as they have tokens, each of which computes
        tokens like a prompt's (diffusion models); so the first token comes with the last.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        slos: Mapping[str, Slo],
        warmup_seconds: float = 0.0,
        shared_tokens: int = 0,
        *,
        whole_answers: bool = False,
    ) -> None:
        self._costs = [group.cost for group in groups]
        sizes = {group.block_size for group in groups}
        self._limits = Limits(
            sequences=max(group.max_sequences for group in groups),
            kv_tokens=max(group.kv_blocks * group.block_size for group in groups) + shared_tokens,
            block_size=sizes.pop() if len(sizes) == 1 else 1,
            keeps=shared_tokens > 0,
        )
        self._replicas = sum(group.replicas for group in groups)
        self._slos = slos
        self._whole_answers = whole_answers
        self._warmup = round(warmup_seconds * NS_PER_SECOND)
        self._known: dict[bytes, dict[Objective, float | None]] = {}

    def certify(self, run: FleetRun) -> tuple[Certified, ...]:
        """Return every objective of a run with its bound."""
        served = run.served
        counted = served & (run.table.arrival_ns >= self._warmup)
        if not counted.any():
            return ()
        bounds = self._bounds(run.table, served, counted)
        inside = counted[served]
        values: dict[Objective, float] = {
            "e2e": float(run.e2e_seconds[inside].mean()),
            "ttft": float(run.ttft_seconds[inside].mean()),
            "makespan": run.makespan_seconds,
        }
        if self._slos:
            kept = float(self._kept(run, inside))
            values["in-slo"] = kept
            most = bounds["in-slo"]
            # That all might keep theirs says nothing of a run in which some do not.
            if most is not None and kept < most == self._promised(run.table)[counted].sum():
                bounds = {**bounds, "in-slo": None}
        return tuple(
            Certified(name, "max" if name == "in-slo" else "min", value, bounds[name])
            for name, value in values.items()
        )

    def _kept(self, run: FleetRun, inside: Flags) -> int:
        table = run.table.rows(run.served)
        promised = self._promises(table)
        kept = inside & self._promised(table)
        kept &= run.ttft_seconds <= promised.first
        kept &= run.tpot_seconds <= promised.each
        kept &= run.e2e_seconds <= promised.whole
        return int(kept.sum())

    def _bounds(
        self, table: RequestTable, served: Flags, counted: Flags
    ) -> dict[Objective, float | None]:
        key = served.tobytes()
        if key not in self._known:
            self._known[key] = self._computed(table, served, counted)
        return self._known[key]

    def _computed(
        self, table: RequestTable, served: Flags, counted: Flags
    ) -> dict[Objective, float | None]:
        everyone = self._fleet(table.rows(served))
        if everyone is None:
            return dict.fromkeys(OBJECTIVES)
        late = everyone if counted.sum() == served.sum() else self._fleet(table.rows(counted))
        found: dict[Objective, float | None] = dict.fromkeys(OBJECTIVES)
        found["makespan"] = everyone.makespan()
        if late is not None:
            found["e2e"] = late.mean_e2e()
            found["ttft"] = found["e2e"] if self._whole_answers else late.mean_ttft()
        if self._slos:
            promised = counted.copy()
            promised[counted] = self._promised(table.rows(counted))
            part = table.rows(promised)
            fleet = self._fleet(part) if promised.any() else None
            found["in-slo"] = 0.0 if fleet is None else float(fleet.on_time(self._promises(part)))
        return found

    def _fleet(self, table: RequestTable) -> FleetBounds | None:
        from scheduling.solvers.requests.fleet_bounds import FleetBounds

        # Every token of an iteration has its place in memory, but for one of each request.
        most = self._limits.kv_tokens + self._limits.sequences
        minorants = _common([_minorants(cost, most) for cost in self._costs])
        if not minorants or not self._limits.kv_tokens:
            return None
        if self._whole_answers:
            minorants = tuple(_of_steps(one) for one in minorants)
        if self._limits.keeps:
            minorants = tuple(cheap_to_find(one) for one in minorants)
        return FleetBounds(table, minorants, self._limits, self._replicas)

    def _promised(self, table: RequestTable) -> Flags:
        """Tell which requests are of a class with limits."""
        has = np.array([name in self._slos for name in table.demands])
        return np.asarray(has[table.demand])

    def _promises(self, table: RequestTable) -> Promises:
        from scheduling.solvers.requests.fleet_bounds import Promises

        def seconds(values: Sequence[float | None]) -> NDArray[np.float64]:
            limits = np.array([np.inf if value is None else value for value in values])
            return np.asarray(limits[table.demand])

        known = [self._slos.get(name) for name in table.demands]
        first = seconds([None if one is None else one.ttft_seconds for one in known])
        whole = seconds([None if one is None else one.e2e_seconds for one in known])
        each = seconds([None if one is None else one.tpot_seconds for one in known])
        if self._whole_answers:
            never = np.full(len(table), np.inf)
            return Promises(first=never, whole=np.minimum(first, whole), each=never)
        return Promises(first=first, whole=whole, each=each)


class Certifiers:
    """Bounds of one scenario, for all policies that run on it.

    Of programs, whose calls come when those before them end, none is known. Where prompts share
    prefixes, which some policies keep, runs are bounded by the same requests with an endless cache,
    which has every block from its first use on, and memory without bounds: what is shared takes
    room once only.

    Parameters
    ----------
    programs
        Programs whose calls the requests are, if they are.
    table
        The requests, with what an endless cache keeps of their prompts.
    slos, warmup_seconds
        As of :class:`Certifier`.
    prefixes
        It is known what prompts share.
    """

    def __init__(
        self,
        programs: ProgramTable | None,
        table: RequestTable,
        slos: Mapping[str, Slo],
        warmup_seconds: float,
        *,
        prefixes: bool,
    ) -> None:
        self._programs = programs
        self._table = table
        self._slos = slos
        self._warmup = warmup_seconds
        self._prefixes = prefixes
        self._known: dict[bool, Certifier] = {}

    def certify(
        self, groups: Sequence[Group], run: FleetRun, whole_answers: bool
    ) -> tuple[Certified, ...]:
        """Return every objective of a run with its bound.

        Parameters
        ----------
        groups
            Groups of the fleet that it ran on, equal for all policies but for these.
        run
            The run.
        whole_answers
            As of :class:`Certifier`.
        """
        if self._programs is not None:
            return ()
        if whole_answers not in self._known:
            tokens = self._table.prompt_tokens + self._table.output_tokens
            self._known[whole_answers] = Certifier(
                groups,
                self._slos,
                self._warmup,
                int(tokens.sum()) if self._prefixes else 0,
                whole_answers=whole_answers,
            )
        return self._known[whole_answers].certify(replace(run, table=self._table))


def _of_steps(one: Minorant) -> Minorant:
    """Return a function below steps that compute a token or more behind all others of a request."""
    return one._replace(decode=min(one.decode, one.new), context=min(one.context, one.cached))


def cheap_to_find(one: Minorant) -> Minorant:
    """Return a function below it in which a token costs no more to find than to compute.

    So it makes no difference which of the requests that share a prefix computes it.
    """
    return one._replace(cached=min(one.cached, one.new))


def _minorants(cost: CostModel, most: int) -> tuple[Minorant, ...]:
    return cost.minorants(most) if isinstance(cost, KnowsMinorants) else ()


def _common(known: Sequence[tuple[Minorant, ...]]) -> tuple[Minorant, ...]:
    """Return functions below all cost models: the least of one of each, coefficient by coefficient.

    Of several models, those are put together that stand at the same share of their lists.
    """
    if len(set(known)) == 1 or not all(known):
        return known[0] if all(known) else ()
    most = max(map(len, known))
    return tuple(
        Minorant(*map(min, *(one[place * len(one) // most] for one in known)))
        for place in range(most)
    )
