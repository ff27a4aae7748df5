"""Fleets of a fixed size that serve several services at the largest common factor of their rates.

Scenarios that choose among kinds of replicas share this integer program: ``x`` replicas of every
kind, at most so many GPUs, every stage of every service at ``factor`` times its rate, and on
average over a service's requests no more quality lost than a budget allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scheduling.errors import SolverError
from scheduling.solvers.linear.engines import find_engine
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of replica.

    Parameters
    ----------
    name
        For people.
    service, stage
        What it serves: every request passes all stages of its service.
    gpus
        GPUs of one.
    rate
        Requests a second of one.
    loss
        Quality that a request loses on it.
    """

    name: str
    service: str
    stage: str
    gpus: int
    rate: float
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many replicas of each kind, and how well that is.

    Parameters
    ----------
    counts
        Replicas by the name of their kind.
    factor
        Largest factor at which all services are served together.
    bound
        No fleet reaches more.
    """

    counts: Mapping[str, int]
    factor: float
    bound: float

    @property
    def gap(self) -> float:
        """Relative distance of factor and bound."""
        return 1 - self.factor / self.bound if self.bound else 0.0


def largest_fleet(
    kinds: Sequence[Kind],
    rates: Mapping[str, float],
    gpus: int,
    seconds: float,
    loss: float | None = None,
) -> Fleet:
    """Return a fleet of the largest factor, with a bound on it.

    Parameters
    ----------
    kinds
        Kinds of replicas to choose from.
    rates
        Requests a second of each service.
    gpus
        GPUs in all.
    seconds
        Time limit.
    loss
        Most quality that the requests of a service may lose on average; ``None`` for any.

    Raises
    ------
    SolverError
        When no fleet is found in time.
    """
    model = LinearModel("fleet")
    size = len(kinds)
    counts = model.add_columns(
        "replicas", size, upper=[gpus // kind.gpus for kind in kinds], integer=True
    )
    flows = model.add_columns("flow", size)
    factor = model.add_columns("factor", 1, cost=-1.0)
    model.add_rows("gpus", 1, 0, counts, [kind.gpus for kind in kinds], upper=gpus)
    places = np.arange(size)
    model.add_rows(
        "serve",
        size,
        np.concatenate([places, places]),
        np.concatenate([flows, counts]),
        np.concatenate([np.ones(size), [-kind.rate for kind in kinds]]),
        upper=0.0,
    )
    groups: dict[tuple[str, str], list[int]] = {}
    for index, kind in enumerate(kinds):
        groups.setdefault((kind.service, kind.stage), []).append(index)
    for (service, _), members in groups.items():
        columns = [*flows[members], factor[0]]
        values = [*np.ones(len(members)), -rates[service]]
        model.add_rows("meet", 1, 0, columns, values, lower=0.0, upper=0.0)
        if loss is not None:
            excess = [kinds[index].loss - loss for index in members]
            model.add_rows("quality", 1, 0, flows[members], excess, upper=0.0)
    result = find_engine().solve(model, Limits(seconds=seconds))
    if result.values is None or result.bound is None:
        raise SolverError(f"no fleet was found: {result.detail}")
    chosen = [round(float(result.values[column])) for column in counts]
    reached = factor_of(kinds, chosen, rates, loss)
    named = {kind.name: count for kind, count in zip(kinds, chosen, strict=True) if count}
    return Fleet(named, reached, max(-result.bound, reached))


def factor_of(
    kinds: Sequence[Kind], counts: Sequence[int], rates: Mapping[str, float], loss: float | None
) -> float:
    """Return the largest factor at which these replicas serve all services together.

    Requests of a stage go first to the kinds that lose least; the stage is full when its replicas
    are, or when the average loss reaches the budget.
    """
    served: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for kind, count in zip(kinds, counts, strict=True):
        served.setdefault((kind.service, kind.stage), []).append((kind.loss, count * kind.rate))
    factors = []
    for (service, _), groups in served.items():
        total, lost = 0.0, 0.0
        for each, rate in sorted(groups):
            taken = rate
            if loss is not None and each > loss:
                taken = min(rate, max((loss * total - lost) / (each - loss), 0.0))
            total, lost = total + taken, lost + taken * each
        factors.append(total / rates[service])
    return min(factors)
