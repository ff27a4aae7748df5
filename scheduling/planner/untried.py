"""What a plan could be at best with the kinds of replicas that the time did not suffice to try.

Each of them is replaced by one whose requests wait for nothing, in the best batch that memory and
the time between tokens allow. The best choice among these and the kinds that were tried, on GPUs
that may be combined at will, is no worse than any plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest
from math import floor, inf

from scheduling.models.base import Status, TierValue, relative_gap
from scheduling.models.cost.efficiency import efficiency_of
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.operators import Operators
from scheduling.models.cost.protocol import Batch
from scheduling.models.cost.work import flops, moved_bytes
from scheduling.models.serving import problem as serving
from scheduling.models.serving.fleet import Options
from scheduling.models.serving.plan import Role
from scheduling.models.serving.solution import ServingSolution
from scheduling.planner.candidates import Candidates, Untried
from scheduling.planner.ceilings import MOST_BUSY
from scheduling.planner.clock import Clock
from scheduling.planner.iterations import Room
from scheduling.planner.loads import Load
from scheduling.planner.packing import before
from scheduling.planner.resolve import Resolved
from scheduling.planner.stating import state_scenarios, state_template

_ONE_COPY = Layout()
_ABOVE = 1 + 1e-9
"""Factor on rates, so that rounding takes nothing from them."""


def best_possible(
    resolved: Resolved, found: Candidates, clock: Clock, share: float
) -> ServingSolution:
    """Return the best that all kinds of replicas could bring.

    Parameters
    ----------
    resolved, found
        The fleet and its kinds of replicas, of which not all were tried.
    clock, share
        The time, and the share of what is left that the search for it may take.
    """
    return clock.solve(state_best(resolved, found), share)


def proven(solution: ServingSolution, best: ServingSolution) -> ServingSolution:
    """Return a choice among some kinds of replicas with what is proven for all kinds.

    A tier's bound holds for the best values of those before it, so it stands behind proven ones.

    Parameters
    ----------
    solution
        The choice among those that were tried.
    best
        What :func:`best_possible` found.
    """
    above = best.tiers[: len(solution.tiers)]
    tiers: list[TierValue] = []
    for tier, limit in zip_longest(solution.tiers, above):
        known = all(one.closed for one in (*tiers, *above[: len(tiers)]))
        bound = limit.bound if limit is not None and known else None
        gap = relative_gap(tier.objective, bound)
        tiers.append(tier.model_copy(update={"bound": bound, "gap": gap}))
    weaker = {Status.OPTIMAL: Status.FEASIBLE, Status.INFEASIBLE: Status.UNKNOWN}
    status = weaker.get(solution.status, solution.status)
    if tiers and all(tier.closed for tier in tiers):
        status = Status.OPTIMAL
    elif solution.objective is None and best.status is Status.INFEASIBLE:
        status = Status.INFEASIBLE
    shown = next((tier for tier in tiers if not tier.closed), tiers[0] if tiers else None)
    changes: dict[str, object] = {"bound": None, "gap": None}
    if shown is not None:
        changes = {"objective": shown.objective, "bound": shown.bound, "gap": shown.gap}
    changes |= {"status": status, "tiers": tuple(tiers), "history": ()}
    return solution.model_copy(update=changes)


def state_best(resolved: Resolved, found: Candidates) -> serving.ServingProblem:
    """Return a problem whose optimum is no worse than the best plan among all kinds of replicas."""
    fleet = resolved.fleet
    return serving.ServingProblem(
        name=fleet.name,
        pools=tuple(
            serving.Pool(
                id=pool.name, gpu=pool.gpu.name, gpus=pool.gpus, price_per_hour=pool.price_per_hour
            )
            for pool in resolved.pools
        ),
        demands=tuple(
            serving.Demand(id=load.demand, model=load.model, requests_per_second=load.rate)
            for load in resolved.loads
        ),
        templates=(*map(state_template, found.tried), *stand_ins(resolved, found.untried)),
        limits=serving.Limits(
            gpus=fleet.limits.gpus,
            cost_per_hour=fleet.limits.cost_per_hour,
            watts=fleet.limits.watts,
        ),
        scenarios=state_scenarios(resolved),
        goals=fleet.goals,
    )


def stand_ins(resolved: Resolved, untried: Iterable[Untried]) -> Iterator[serving.Template]:
    """Yield replicas that no untried one of their model, pool, role and number of GPUs beats."""
    rates: dict[tuple[str, Role, str, int], dict[str, float]] = {}
    for one in untried:
        for gpus, same in groupby(one.rooms, key=lambda pair: pair[0].gpus):
            ideal = _Ideal(resolved.fleet.options, one, gpus, [room for _, room in same])
            for role in _roles(resolved.fleet.options):
                best = rates.setdefault((one.model.name, role, one.pool.name, gpus), {})
                for load in one.loads:
                    best[load.demand] = max(best.get(load.demand, 0.0), ideal.rate(role, load))
    pools = {pool.name: pool for pool in resolved.pools}
    for (name, role, place, gpus), reached in rates.items():
        served = {demand: min(rate, serving.MOST_RATE) for demand, rate in reached.items() if rate}
        if served:
            pool = pools[place]
            each = pool.gpu.idle_watts if pool.watts is None else pool.watts
            yield serving.Template(
                id=f"untried-{name}-{role}-{place}-{gpus}",
                model=name,
                role=role,
                pool=place,
                layout=Layout(pp=gpus),
                rates=served,
                ceilings=(MOST_BUSY,),
                watts=each * gpus,
            )


def _roles(options: Options) -> tuple[Role, ...]:
    both: tuple[Role, ...] = ("both",) if "aggregated" in options.modes else ()
    return (*both, "prefill", "decode") if "disaggregated" in options.modes else both


class _Ideal:
    """A replica whose requests never wait, and whose operators all take what they take at least."""

    def __init__(self, options: Options, one: Untried, gpus: int, rooms: Sequence[Room]) -> None:
        self._llm, self._precision, self._gpus = one.model.llm, one.precision, gpus
        self._slow, self._tokens = rooms[0].slow, max(options.token_budgets)
        terms = efficiency_of(options.engine)
        self._operators = Operators(one.pool.gpu, one.precision, terms)
        self._per_request = terms.sequence_seconds
        # Each layer has two products around attention and at least one behind it.
        each = terms.layer_seconds + terms.attention_seconds + 3 * terms.product_seconds
        self._per_iteration = terms.iteration_seconds + one.model.llm.layers * each
        # Requests of several demands share batches, in which a long one may have short ones beside.
        self._context = min(load.context for load in one.loads)
        held = floor(max(max(room.kv_tokens.values()) for room in rooms) / self._context)
        self._most = max(1, min(options.max_sequences, held))

    def rate(self, role: Role, load: Load) -> float:
        """Return requests a second that no replica exceeds; 0 where there is none."""
        if role != "both" and not load.steps:
            return 0.0
        prompt = self._of_prompt(load)
        prefill = self._seconds(*prompt) + self._per_iteration * load.new / self._tokens
        if role == "prefill" or not load.steps:
            return _ABOVE / prefill
        batch = self._batch(load)
        if not batch:
            return 0.0
        iterations = load.steps / batch
        own = iterations * (self._per_iteration + batch * self._per_request)
        step = self._of_step(batch)
        if role == "decode":
            return _ABOVE / (own + iterations * self._seconds(*step))
        both = [iterations * one + other for one, other in zip(step, prompt, strict=True)]
        return _ABOVE / max(prefill, own + self._seconds(*both))

    def _batch(self, load: Load) -> int:
        """Return the largest batch whose steps keep the time between tokens; 0: there is none."""
        target, _ = load.targets.get("tpot", (inf, 0.5))
        low, high = 0, self._most
        while low < high:
            middle = (low + high + 1) // 2
            least = self._per_iteration + middle * self._per_request
            if self._slow * (least + self._seconds(*self._of_step(middle))) <= target:
                low = middle
            else:
                high = middle - 1
        return low

    def _of_prompt(self, load: Load) -> tuple[float, float, float]:
        """Return operations and bytes of a prompt's products, and the seconds of its attention."""
        pairs = load.new * (before(load.new, load.reused, load.prompt_scv) + 1 / 2)
        tokens = Batch(floor(load.new), 1, floor(load.reused))
        flop = flops(self._llm, tokens)
        attention = flops(self._llm, tokens._replace(prefill_pairs=pairs)) - flop
        return flop, 0.0, self._least(attention, 0.0)

    def _of_step(self, batch: int) -> tuple[float, float, float]:
        """Return the same of a decode step."""
        tokens, step = (Batch.decode(batch, floor(batch * seen)) for seen in (0, self._context))
        flop, moved = flops(self._llm, tokens), self._moved(tokens)
        attention = flops(self._llm, step) - flop, self._moved(step) - moved
        return flop, moved, self._least(*attention)

    def _moved(self, step: Batch) -> float:
        return moved_bytes(self._llm, _ONE_COPY, self._precision, step)

    def _seconds(self, flop: float, moved: float, attention: float) -> float:
        return self._least(flop, moved) + attention

    def _least(self, flop: float, moved: float) -> float:
        return self._operators.least_seconds(flop / self._gpus, moved / self._gpus)
