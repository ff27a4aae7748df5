"""Which models fit nowhere, and which targets no replica keeps."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from scheduling.errors import Fault, InputError
from scheduling.models.serving.plan import Role
from scheduling.planner.candidates import Candidate, Candidates, RuledOut
from scheduling.planner.loads import Load
from scheduling.planner.resolve import ModelFacts, Resolved
from scheduling.planner.sizing import duration


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
