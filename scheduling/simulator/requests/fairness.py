"""How evenly a fleet serves requests, classes, programs and users: slowdowns, and Jain's index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.run import FleetRun

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fairness:
    """How evenly requests, their classes, and their programs and users were served.

    The speed of a request is the time that it takes alone on the replicas which served it, its
    prompt in one batch, over the time that it took; its slowdown is one over that. The speed of a
    class, a program or a user is the same of the sums over its requests that were served. All are
    without unit.

    Parameters
    ----------
    slowdown_mean, slowdown_max
        Of the requests that were served; 1 is as fast as alone.
    jain_requests
        Jain's index of the requests' speeds, ``(sum x)**2 / (n * sum x**2)``: 1 when all are
        equal, 1 / n when one gets all (Jain, Chiu and Hawe, 1984).
    jain_classes, slowdown_class
        The same of the classes' speeds, and the largest slowdown of a class; ``None`` with fewer
        than two.
    jain_programs, slowdown_program
        The same of programs, such as sessions of users; ``None`` with fewer than two.
    jain_users, slowdown_user
        The same of users, where the trace names them; ``None`` with fewer than two.
    """

    slowdown_mean: float
    slowdown_max: float
    jain_requests: float
    jain_classes: float | None = None
    slowdown_class: float | None = None
    jain_programs: float | None = None
    slowdown_program: float | None = None
    jain_users: float | None = None
    slowdown_user: float | None = None


def jain(values: Floats) -> float:
    """Return Jain's index of at least one positive value."""
    return float(values.sum() ** 2 / (len(values) * np.square(values).sum()))


def fairness(
    run: FleetRun,
    costs: Mapping[str, CostModel],
    *,
    warmup_seconds: float = 0.0,
    programs: Ints | None = None,
) -> Fairness | None:
    """Tell how evenly a run served its requests; ``None`` when it served none.

    Parameters
    ----------
    run
        What :func:`~scheduling.simulator.requests.fleet.simulate_fleet` returned.
    costs
        Cost models by the names of the instances' groups.
    warmup_seconds
        Requests that came earlier do not count.
    programs
        The program of each request, if they belong to some.
    """
    table = run.table
    counted = run.served & (run.came_ns >= round(warmup_seconds * NS_PER_SECOND))
    if not counted.any():
        return None
    took = np.maximum((run.ended_ns - run.came_ns)[counted], 1) / NS_PER_SECOND
    alone = _alone_seconds(run, costs, np.flatnonzero(counted))
    speeds = alone / took
    slowdowns = 1 / speeds
    classes = _between(table.demand[counted], alone, took)
    sessions = (None, None) if programs is None else _between(programs[counted], alone, took)
    users: tuple[float, float] | tuple[None, None] = (None, None)
    if table.user is not None:
        owners = table.user[counted]
        known = owners >= 0
        users = _between(owners[known], alone[known], took[known])
    return Fairness(
        float(slowdowns.mean()),
        float(slowdowns.max()),
        jain(speeds),
        *classes,
        *sessions,
        *users,
    )


def _between(owners: Ints, alone: Floats, took: Floats) -> tuple[float, float] | tuple[None, None]:
    """Return Jain's index of several owners' speeds, and the largest of their slowdowns."""
    present, which = np.unique(owners, return_inverse=True)
    if len(present) < 2:
        return None, None
    speeds = np.bincount(which, alone) / np.bincount(which, took)
    return jain(speeds), float(1 / speeds.min())


def _alone_seconds(run: FleetRun, costs: Mapping[str, CostModel], rows: Ints) -> Floats:
    """Return the seconds of requests of these rows, each alone on the replicas that served it."""
    table = run.table
    groups = [instance.group for instance in run.instances]
    first = run.instance[rows]
    last = np.where(run.decode_instance[rows] < 0, first, run.decode_instance[rows])
    found = np.zeros(len(rows))
    for name in dict.fromkeys(groups):
        members = [index for index, group in enumerate(groups) if group == name]
        here = np.isin(first, members)
        found[here] += _prompt_seconds(
            costs[name], table.prompt_tokens[rows[here]], table.cached_tokens[rows[here]]
        )
        here = np.isin(last, members)
        found[here] += _answer_seconds(
            costs[name], table.prompt_tokens[rows[here]], table.output_tokens[rows[here]]
        )
    return found


def _prompt_seconds(cost: CostModel, prompts: Ints, cached: Ints) -> Floats:
    kinds, which = np.unique(np.stack([prompts - cached, cached]), axis=1, return_inverse=True)
    seconds = [cost.seconds(Batch.prefill(int(new), int(head))) for new, head in kinds.T]
    return np.asarray(seconds, dtype=np.float64)[which.reshape(-1)]


def _answer_seconds(cost: CostModel, prompts: Ints, outputs: Ints) -> Floats:
    """Return the seconds of the tokens behind the first: their contexts follow the prompt's."""
    if not len(prompts):
        return np.zeros(0)
    low, high = int(prompts.min()) + 1, int((prompts + outputs).max())
    upto = _decode_sums(cost, low, high)
    return np.asarray(upto[prompts + outputs - low] - upto[prompts + 1 - low])


def _decode_sums(cost: CostModel, low: int, high: int) -> Floats:
    """Return the sums of decode steps at contexts ``low`` to each below ``high``, with 0 first."""
    seconds = np.empty(max(0, high - low))
    for place in range(len(seconds)):
        batch = Batch.decode(1, low + place)
        line = cost.line(batch)
        if line is not None:
            contexts = np.arange(low + place, high)
            seconds[place:] = line.at_zero + line.per_token * contexts
            break
        seconds[place] = cost.seconds(batch)
    return np.concatenate([[0.0], np.cumsum(seconds)])
