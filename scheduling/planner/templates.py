"""From a fleet to the kinds of replicas that can serve it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scheduling.models.cost.precision import BYTES, Dtype, Precision
from scheduling.models.serving.plan import Role
from scheduling.planner.candidates import Candidate, Candidates, RuledOut, Untried
from scheduling.planner.clock import Clock
from scheduling.planner.emit.starting import started
from scheduling.planner.layouts import PoolFacts
from scheduling.planner.loads import Load
from scheduling.planner.replicas import Search, Trial, choices
from scheduling.planner.resolve import ModelFacts, Resolved


class Memo:
    """What is known of parts of a fleet, for fleets that differ from it in others only.

    Parts are the same when they are the same objects, which it keeps alive.
    """

    def __init__(self) -> None:
        self.searches: dict[tuple[Any, ...], tuple[Search, object]] = {}
        self.trials: dict[tuple[Any, ...], tuple[Trial, object]] = {}


def candidates(
    resolved: Resolved,
    slow: float | None = None,
    *,
    clock: Clock | None = None,
    memo: Memo | None = None,
) -> Candidates:
    """Find the kinds of replicas that can serve a fleet.

    Parameters
    ----------
    resolved
        The fleet.
    slow
        Factor on all times that targets must survive; default: the worst of its scenarios.
    clock
        When to end; those that are not tried by then are missing. Default: all are tried.
    memo
        What was found before of fleets with the same parts; it is added to.
    """
    scenarios = resolved.fleet.scenarios
    factor = slow or max([1.0, *(scenario.latency for scenario in scenarios)])
    survey = _Survey(resolved, factor, clock, Memo() if memo is None else memo)
    kept: list[Candidate] = []
    out: list[RuledOut] = []
    running: list[Candidate] = []
    untried: list[Untried] = []
    for model, pool in survey.pairs():
        found: list[Candidate] = []
        own, poor = choices(model, pool)
        out += poor
        for choice in own:
            search = survey.search(model, pool, choice)
            out += search.dropped
            trials = [survey.trial(search, group) for group in _groups(resolved, model)]
            for trial in trials:
                if trial.left:
                    rest = tuple(trial.left)
                    untried.append(Untried(model, pool, choice, trial.loads, rest))
                fine, refused = started(resolved.runtime, trial.found.kept)
                found += fine
                out += [*trial.found.dropped, *refused]
            still = search.running(resolved, _groups(resolved, model))
            running += started(resolved.runtime, still.kept)[0]
            out += still.dropped
        kept += _undominated(found, out)
    kept += [one for one in running if one.id not in {other.id for other in kept}]
    chosen = tuple(_one_kv_type(kept, out))
    return Candidates(chosen, tuple(out), tuple(kept), tuple(untried))


def _groups(resolved: Resolved, model: ModelFacts) -> list[tuple[Load, ...]]:
    """Return which demands of a model are served together: each alone, and all."""
    loads = resolved.loads_of(model.name)
    groups: list[tuple[Load, ...]] = [(load,) for load in loads]
    if len(loads) > 1:
        groups.append(tuple(loads))
    return groups


class _Survey:
    """Tries all kinds of replicas before they are gathered, as far as the time allows."""

    def __init__(self, resolved: Resolved, slow: float, clock: Clock | None, memo: Memo) -> None:
        self._resolved, self._slow, self._memo = resolved, slow, memo
        for trials in self._rounds():
            open_ = [trial for trial in trials if trial.left]
            while open_:
                for trial in open_:
                    if clock is not None and clock.over:
                        return
                    trial.advance()
                open_ = [trial for trial in open_ if trial.left]

    def pairs(self) -> list[tuple[ModelFacts, PoolFacts]]:
        """Return the models that are asked for, each on each pool."""
        asked = [one for one in self._resolved.models if self._resolved.loads_of(one.name)]
        return [(model, pool) for model in asked for pool in self._resolved.pools]

    def _rounds(self) -> list[list[Trial]]:
        """Return what to try, first what serves all demands of each model.

        Those of a round are tried in turn, layout by layout, so that a short time has a plan.
        """
        rounds: dict[tuple[bool, int], list[Trial]] = {}
        by_pool = sorted(self.pairs(), key=lambda pair: self._resolved.pools.index(pair[1]))
        for model, pool in by_pool:
            for number, choice in enumerate(choices(model, pool)[0]):
                search = self.search(model, pool, choice)
                groups = _groups(self._resolved, model)
                for group in groups:
                    key = group is not groups[-1], number
                    rounds.setdefault(key, []).append(self.trial(search, group))
        return [rounds[key] for key in sorted(rounds)]

    def search(self, model: ModelFacts, pool: PoolFacts, precision: Precision) -> Search:
        """Return what fits."""
        options = self._resolved.fleet.options
        key = id(model), id(pool), precision, id(options), self._slow
        if key not in self._memo.searches:
            search = Search(options, model, pool, precision, self._slow)
            self._memo.searches[key] = search, (model, pool, options)
        return self._memo.searches[key][0]

    def trial(self, search: Search, group: tuple[Load, ...]) -> Trial:
        """Return how it serves some demands, as far as that was tried."""
        whole = len(group) == len(self._resolved.loads_of(search.model.name))
        key = id(search), tuple(map(id, group)), whole
        if key not in self._memo.trials:
            self._memo.trials[key] = Trial(search, group, whole), group
        return self._memo.trials[key][0]


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
