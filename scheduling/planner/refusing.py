"""Which models fit nowhere, and which targets no replica keeps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import inf

from scheduling.errors import Fault, InputError
from scheduling.models.serving.plan import Role
from scheduling.planner.candidates import Candidate, Candidates, RuledOut
from scheduling.planner.loads import Load
from scheduling.planner.resolve import ModelFacts, Resolved
from scheduling.planner.sized import duration

_SLACK = 1e-4
"""Limits are compared with this tolerance, for money and power are counted in small whole units."""

_FEWEST = "the smallest replicas that serve every demand"


class NoReplicaError(InputError):
    """A model fits nowhere, or no replica keeps a target."""


def require_replicas(resolved: Resolved, found: Candidates) -> None:
    """Refuse a fleet that no number of replicas could serve.

    Raises
    ------
    NoReplicaError
        With the model or target, and the best that there is.
    """
    faults = impossible(resolved, found)
    if faults:
        raise NoReplicaError(faults)


def impossible(resolved: Resolved, found: Candidates) -> list[Fault]:
    """Return a fault for each model that fits nowhere and each demand that nothing can serve.

    A demand needs a replica for both phases, or one for each of them.
    """
    faults = []
    for row, model in enumerate(resolved.models):
        mine = [one for one in found.ruled_out if one.model == model.name]
        loads = resolved.loads_of(model.name)
        fits = any(one.model is model for one in found.kept)
        if loads and not fits and all(one.never for one in mine):
            faults.append(_fits_nowhere(row, model, mine))
            continue
        slow = (load for load in loads if not servable(load, found.kept))
        faults += [_too_slow(resolved, load, mine, _roles(load, found.kept)) for load in slow]
    return faults


def servable(load: Load, kept: Sequence[Candidate]) -> bool:
    """Tell whether some replicas could serve a demand, whatever their number."""
    roles = _roles(load, kept)
    return "both" in roles or {"prefill", "decode"} <= roles


def beyond_limits(resolved: Resolved, kept: Sequence[Candidate]) -> list[Fault]:
    """Return a fault for each limit below what replicas take that serve every demand at any rate.

    Each model has replicas for each of its demands, so it takes what the dearest of these demands
    takes at the least: one replica for both phases, or one for each of them.

    Parameters
    ----------
    resolved
        The fleet.
    kept
        Kinds of replicas to choose from, with some for every demand.
    """
    limits = resolved.fleet.limits
    faults = []
    taken: tuple[tuple[str, str, Callable[[Candidate], float | None]], ...] = (
        ("gpus", "GPUs", lambda one: one.layout.gpus),
        ("cost_per_hour", "$/h", _price),
        ("watts", "W", lambda one: one.watts),
    )
    for field, unit, use in taken:
        most: float | None = getattr(limits, field)
        if most is None:
            continue
        least = _least(resolved, kept, use)
        if least is not None and least > most * (1 + _SLACK):
            expected = f"at least {least:,.4g}, for {_FEWEST}"
            faults.append(Fault(f"limits.{field}", f"{most:,.4g} {unit}", expected))
    return faults


def _price(one: Candidate) -> float | None:
    price = one.pool.price_per_hour
    return None if price is None else price * one.layout.gpus


def _least(
    resolved: Resolved, kept: Sequence[Candidate], use: Callable[[Candidate], float | None]
) -> float | None:
    """Return the least that one set of replicas takes; ``None`` where it is not known."""
    models: dict[str, float] = {}
    for load in resolved.loads:
        roles: dict[Role, float] = {}
        for one in kept:
            taken = use(one)
            if taken is None:
                return None
            if load.demand in one.sized.rates:
                roles[one.role] = min(taken, roles.get(one.role, inf))
        apart = roles.get("prefill", inf) + roles.get("decode", inf)
        least = min(roles.get("both", inf), apart)
        models[load.model] = max(least, models.get(load.model, 0.0))
    return sum(models.values())


def _roles(load: Load, kept: Sequence[Candidate]) -> set[Role]:
    """Return the roles for which there are replicas that keep the demand's targets."""
    return {one.role for one in kept if load.demand in one.sized.rates}


def _fits_nowhere(row: int, model: ModelFacts, mine: Sequence[RuledOut]) -> Fault:
    place = f"models[{row}]"
    if not mine:
        return Fault(place, f"{model.name}, for which no layout is allowed", "larger max_tp")
    closest = max(mine, key=lambda one: one.layout.gpus)
    where = f"{closest.layout} on {closest.pool}"
    found = f"{model.name}, which fits nowhere; {where}: {closest.reason}"
    return Fault(place, found, "a pool, layout or precision that it fits in")


def _too_slow(
    resolved: Resolved, load: Load, mine: Sequence[RuledOut], there: Collection[Role]
) -> Fault:
    """Name the target that the best replica misses by least, of those for a role that none has."""
    row = resolved.loads.index(load)
    tried = [one for one in mine if load.demand in one.demands and one.role not in there]
    missed = [one for one in tried if one.floor is not None and one.floor.demand == load.demand]
    least = min(missed, key=lambda one: one.floor.excess if one.floor else 0.0, default=None)
    if least is None or least.floor is None:
        reason = tried[0].reason if tried else "no replica is allowed"
        return Fault(f"demands[{row}]", f"{load.demand}: {reason}", "a demand that fits a replica")
    floor = least.floor
    place = f"demands[{row}].{floor.metric}"
    where = f"{least.role} replicas of {least.layout} on {least.pool}"
    expected = f"at least {duration(floor.seconds)}, the floor of {where}"
    return Fault(place, duration(floor.target), expected)
