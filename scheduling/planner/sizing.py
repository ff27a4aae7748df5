"""How one replica is run for its demands: batch, token budget, and the rate that it sustains.

Batches and token budgets are tried on a grid. Each gives rates and floors of the latencies, by the
times of :mod:`~scheduling.planner.iterations`; what a target leaves above its floor is the wait
that the queues in front of the replicas may cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from math import inf, sqrt

import numpy as np

from scheduling.models.cost.protocol import KnowsPower
from scheduling.models.serving.plan import Role
from scheduling.planner.ceilings import MOST_BUSY, Wait
from scheduling.planner.iterations import Iteration, Room
from scheduling.planner.loads import Load
from scheduling.planner.sized import Floor, Sized, Unfit

_LEAST_CHUNK = 64
"""Prompt tokens of an iteration below which chunks are not worth their iteration."""

_BATCHES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)
_SIZES = np.array([1, 64])
"""A small and a large pool, for which the best way to run a replica may differ."""

_SAFETY = 2.0
"""Standard deviations of the KV tokens of a full batch that must still fit."""


class Sizer:
    """Tries batches and token budgets for one replica and the loads that it serves."""

    def __init__(self, loads: Sequence[Load], room: Room, most_sequences: int) -> None:
        self._loads = loads
        self._room = room
        total = sum(load.rate for load in loads)
        self._shares = [load.rate / total for load in loads]
        self._batches = [size for size in _BATCHES if size <= most_sequences]
        self._fitting = {
            budget: self._within_memory(tokens) for budget, tokens in room.kv_tokens.items()
        }
        decoded = [s * load.steps for s, load in zip(self._shares, loads, strict=True)]
        weight = sum(decoded)
        self._context = (
            sum(d * load.context for d, load in zip(decoded, loads, strict=True)) / weight
            if weight
            else max(load.context for load in loads)
        )
        self._power = room.cost if isinstance(room.cost, KnowsPower) else None
        self._arrival_scv = max(load.arrival_scv for load in loads)
        self._traces = tuple(load.trace for load in loads if load.trace is not None)

    def _within_memory(self, kv_tokens: int) -> list[int]:
        """Batches whose KV fits, with room for chance; raises when not even one request does."""
        longest = max(
            load.requests.prompt.quantile(0.99) + load.requests.output.quantile(0.99)
            for load in self._loads
        )
        if longest > kv_tokens:
            needed = f"a long request needs {longest:,.0f}"
            raise Unfit(f"KV cache holds {kv_tokens:,} tokens, {needed}")
        mean = sum(s * load.context for s, load in zip(self._shares, self._loads, strict=True))
        square = sum(s * _square(load) for s, load in zip(self._shares, self._loads, strict=True))
        spread = sqrt(max(0.0, square - mean**2))

        def fits(batch: int) -> bool:
            return batch * mean + _SAFETY * sqrt(batch) * spread <= kv_tokens

        return list(takewhile(fits, self._batches)) or [1]

    def sized(self, role: Role) -> list[Sized]:
        """Return the ways to run it that are best for a small or for a large pool.

        Raises
        ------
        Unfit
            When no way keeps the targets.
        """
        found: list[Sized] = []
        floors: list[Floor] = []
        for budget, batches in self._points(role):
            for batch in batches:
                try:
                    found.append(self._run(role, batch, budget))
                except _Missed as missed:
                    # All latencies rise with the batch.
                    floors.append(missed.floor)
                    break
        if not found:
            if not floors:
                raise Unfit("no token budget leaves room for prompts beside a batch")
            least = min(floors, key=lambda floor: floor.excess)
            raise Unfit(str(least), least)
        return [self._described(one, self._binds(one, role, found)) for one in self._best(found)]

    def _best(self, found: list[Sized]) -> list[Sized]:
        """Return the ways that bring most in a small and in a large pool.

        No pool is busier than its most, so ways whose rate is too low need no ceilings.
        """
        ranked = sorted(
            ((self._rate(one), row) for row, one in enumerate(found)),
            key=lambda pair: (-pair[0], pair[1]),
        )
        worth, best = np.zeros(len(_SIZES)), [found[ranked[0][1]]] * len(_SIZES)
        for rate, row in ranked:
            if bool(np.all(rate * MOST_BUSY <= worth)):
                break
            brought = rate * found[row].within(_SIZES)
            for size in np.flatnonzero(brought > worth).tolist():
                best[size] = found[row]
            worth = np.maximum(worth, brought)
        return list({id(one): one for one in best}.values())

    def at(self, role: Role, batch: int, budget: int | None) -> Sized:
        """Return the replica run in a given way.

        Raises
        ------
        Unfit
            When that breaks a target.
        """
        if budget is not None and budget <= batch:
            raise Unfit(f"a token budget of {budget} leaves no room beside {batch} decodes")
        try:
            return self._described(self._run(role, batch, budget))
        except _Missed as missed:
            raise Unfit(str(missed.floor), missed.floor) from None

    def _points(self, role: Role) -> list[tuple[int | None, list[int]]]:
        """Token budgets, each with the batches to try, ascending."""
        if role == "decode":
            return [(None, self._fitting[min(self._fitting)])]
        if role == "prefill":
            return [(budget, [0]) for budget in self._fitting]
        return [
            (budget, [b for b in fitting if budget - b >= min(_LEAST_CHUNK, budget - 1)])
            for budget, fitting in self._fitting.items()
        ]

    def _rate(self, one: Sized) -> float:
        """Rate for the mix of loads of a replica that is always busy."""
        return 1 / sum(
            s / one.rates[load.demand] for s, load in zip(self._shares, self._loads, strict=True)
        )

    def _described(self, one: Sized, binds: str = "") -> Sized:
        """Add what the cost model says beside times."""
        return replace(
            one,
            provenance=self._room.cost.provenance(one.typical),
            watts=None if self._power is None else self._power.watts(one.typical),
            binds=binds,
        )

    def _binds(self, one: Sized, role: Role, found: Sequence[Sized]) -> str:
        """Say what keeps its batch from growing."""
        if role == "prefill":
            return "prefill compute"
        larger = [batch for batch in self._batches if batch > one.sequences]
        if not larger:
            return "max_sequences"
        fitting = self._fitting[min(self._fitting) if role == "decode" else one.token_budget or 0]
        if larger[0] not in fitting:
            return "KV memory"
        # A larger batch of decodes always brings more, unless it leaves too little time to wait.
        slower = role == "decode" or all(other.sequences < larger[0] for other in found)
        return "latency targets" if slower else "prefill compute"

    def _run(self, role: Role, batch: int, budget: int | None) -> Sized:
        iteration = Iteration(self._room, batch, budget, self._context)
        busy = [iteration.busy(load, role) for load in self._loads]
        prompts = [iteration.prompt_seconds(load) for load in self._loads]
        total = 1 / sum(s * b for s, b in zip(self._shares, busy, strict=True))
        adding = 0.0
        decoding = role != "prefill" and any(load.steps for load in self._loads)
        if role == "both":
            each = zip(self._shares, self._loads, strict=True)
            adding = total * sum(s * iteration.added_seconds(load) for s, load in each)
        waits: dict[str, tuple[Wait, ...]] = {}
        firsts: dict[str, float] = {}
        tpots: list[float] = []
        for load in self._loads:
            tpot = iteration.tpot(load, total, adding) if role != "prefill" else 0.0
            first = iteration.first_token(load, role) if role != "decode" else 0.0
            limit, share = _slack(load, role, first, tpot)
            if role != "decode":
                firsts[load.demand] = first
            tpots.append(tpot)
            waits[load.demand] = self._waits(role, limit, share, iteration, prompts, total, tpot)
        return Sized(
            batch if decoding else max(batch, iteration.prompts_at_once(self._loads)),
            budget,
            {load.demand: self._room.slow / b for load, b in zip(self._loads, busy, strict=True)},
            waits,
            firsts,
            max(tpots) if role != "prefill" else None,
            iteration.typical(self._loads[0], role),
        )

    def _waits(
        self,
        role: Role,
        limit: float,
        share: float,
        iteration: Iteration,
        prompts: Sequence[float],
        total: float,
        tpot: float,
    ) -> tuple[Wait, ...]:
        """Queues of the replica: for the chunks of prompts, and for a place in the batch."""
        queues = 2 if role == "both" else 1
        limit, share = limit / queues, 1 - (1 - share) / queues
        waits = []
        if role != "decode":
            squares = [
                p * p * (1 + load.prompt_scv) for p, load in zip(prompts, self._loads, strict=True)
            ]
            waits.append(self._wait(1, prompts, squares, limit, share, total))
        if role != "prefill":
            held = [load.steps * tpot + p for load, p in zip(self._loads, prompts, strict=True)]
            squares = [
                h * h * (1 + load.output_scv) for h, load in zip(held, self._loads, strict=True)
            ]
            waits.append(self._wait(iteration.decodes, held, squares, limit, share, total))
        return tuple(waits)

    def _wait(
        self,
        servers: int,
        times: Sequence[float],
        squares: Sequence[float],
        limit: float,
        share: float,
        total: float,
    ) -> Wait:
        mean = sum(s * t for s, t in zip(self._shares, times, strict=True))
        square = sum(s * q for s, q in zip(self._shares, squares, strict=True))
        scv = max(0.0, square / mean**2 - 1)
        load = min(1.0, total * mean / servers)
        return Wait(servers, mean, scv, self._arrival_scv, limit, share, load, self._traces)


class _Missed(Exception):  # noqa: N818 - it is an outcome, not an error
    """One way to run a replica breaks a target."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        super().__init__(str(floor))


def _square(load: Load) -> float:
    """Mean of the squared KV tokens of a request, at a random moment of its decoding."""
    requests = load.requests
    prompt = requests.prompt.mean**2 * load.prompt_scv
    output = (requests.output.mean / 2) ** 2 * (load.output_scv + (1 + load.output_scv) / 3)
    return load.context**2 + prompt + output


def _slack(load: Load, role: Role, first: float, tpot: float) -> tuple[float, float]:
    """Return how long a request may wait, and the share of requests that this must hold for.

    Of an end-to-end target each of two separate phases gets one half, unless there is one for the
    first token; that is sufficient.
    """
    limits: list[tuple[float, float]] = []
    if "ttft" in load.targets and role != "decode":
        seconds, share = load.targets["ttft"]
        limits.append((_left(load, "ttft", seconds, first), _wait_share(load, share)))
    if "tpot" in load.targets and role != "prefill":
        seconds, share = load.targets["tpot"]
        left = _left(load, "tpot", seconds, tpot)
        if role == "decode":
            limits.append((left * load.steps, share))
    if "e2e" in load.targets:
        seconds, share = load.targets["e2e"]
        output = load.requests.output
        long = output.quantile(share if load.output_scv == 0 else sqrt(share))
        own = first + max(0.0, long - 1) * tpot
        if role != "both":
            promised = load.targets.get("ttft", (seconds / 2, share))[0]
            seconds = promised if role == "prefill" else seconds - promised
        limits.append((_left(load, "e2e", seconds, own), _wait_share(load, share)))
    if not limits:
        return inf, 0.5
    return min(limit for limit, _ in limits), max(share for _, share in limits)


def _wait_share(load: Load, share: float) -> float:
    spread = load.prompt_scv > 0 or load.output_scv > 0
    return sqrt(share) if spread else share


def _left(load: Load, metric: str, target: float, floor: float) -> float:
    if floor > target:
        raise _Missed(Floor(metric, load.demand, floor, target))
    return target - floor
