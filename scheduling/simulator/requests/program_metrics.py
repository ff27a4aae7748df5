"""How programs fared: completion times, steps a minute, and what no policy can beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scheduling.models.base import relative_gap
from scheduling.models.cost.protocol import CostModel, KnowsMinorants
from scheduling.models.requests.needs import floors
from scheduling.models.requests.programs import ProgramTable
from scheduling.simulator.requests.certify import cheap_to_find
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.metrics import Estimate, estimate
from scheduling.simulator.requests.run import NEVER, FleetRun

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ProgramMetrics:
    """Figures of the programs of a run.

    Parameters
    ----------
    programs, served
        Programs that came, and those of which every call was served.
    mean, p50, p90, p99
        Seconds from a program's coming to the end of its last call, of those served; ``None``
        without any.
    steps_per_minute
        Calls that ended, by the minutes until the last one did.
    hit_share
        Share of all prompt tokens of served calls that were kept when they first left a queue.
    bound
        Mean seconds that no policy can beat: of every program alone on an idle replica with an
        endless cache, along its longest path.
    """

    programs: int
    served: int
    mean: Estimate | None
    p50: Estimate | None
    p90: Estimate | None
    p99: Estimate | None
    steps_per_minute: float
    hit_share: float
    bound: float | None

    @property
    def gap(self) -> float | None:
        """Distance of mean and bound, relative to the larger."""
        return relative_gap(None if self.mean is None else self.mean.value, self.bound)


def program_metrics(
    run: FleetRun, programs: ProgramTable, costs: Sequence[CostModel]
) -> ProgramMetrics:
    """Sum up the programs of a run.

    Parameters
    ----------
    run
        Of these programs.
    programs
        The programs.
    costs
        Cost models of all kinds of replicas, for the bound.
    """
    seconds = completion_seconds(run, programs)
    whole = ~np.isnan(seconds)
    served = run.served
    tokens = int(programs.requests.prompt_tokens[served].sum())
    minutes = run.makespan_seconds / 60
    mean, p50, p90, p99 = (
        estimate(seconds[whole], share) if whole.any() else None
        for share in (None, 50.0, 90.0, 99.0)
    )
    bound = None
    if whole.any():
        alone = alone_seconds(programs, costs)
        bound = None if alone is None else float(alone[whole].mean())
    return ProgramMetrics(
        programs.count,
        int(whole.sum()),
        mean,
        p50,
        p90,
        p99,
        steps_per_minute=float(served.sum()) / minutes if minutes else 0.0,
        hit_share=float(run.hit_tokens[served].sum()) / tokens if tokens else 0.0,
        bound=bound,
    )


def completion_seconds(run: FleetRun, programs: ProgramTable) -> Floats:
    """Return the seconds that each program took; not a number where a call was not served."""
    lasts = np.append(programs.firsts[1:], len(programs)) if len(programs) else programs.firsts
    found = np.full(programs.count, np.nan)
    for number, (first, last) in enumerate(zip(programs.firsts, lasts, strict=True)):
        ended = run.ended_ns[first:last]
        if (ended != NEVER).all():
            came = programs.requests.arrival_ns[first]
            found[number] = (ended.max() - came) / NS_PER_SECOND
    return found


def alone_seconds(programs: ProgramTable, costs: Sequence[CostModel]) -> Floats | None:
    """Return the seconds that each program takes alone, with everything kept that was computed.

    They hold for all policies: a call's prompt takes at least the iterations of the tokens that no
    other call computes before it, each later token of its answer an iteration that reads its
    context, none of them less than the function below the replica's times says, and it comes when
    the calls before it and their tools have ended. Of several cost models the least time counts.

    Returns
    -------
    array or None
        ``None`` where a cost model knows no functions below its times.
    """
    most = int((programs.requests.prompt_tokens + programs.requests.output_tokens).sum())
    below = [cost.minorants(most) for cost in costs if isinstance(cost, KnowsMinorants)]
    if len(below) < len(costs) or not all(below):
        return None
    prompts = programs.requests.prompt_tokens
    table = replace(programs.requests, cached_tokens=prompts - np.array(_new_tokens(programs)))
    alone = [floors(table, [*map(cheap_to_find, functions)], keeps=True) for functions in below]
    took = np.min([one.first + one.rest for one in alone], axis=0)
    ends = np.zeros(len(programs))
    gaps = programs.gap_ns / NS_PER_SECOND
    for row in range(len(programs)):
        before = ends[programs.waits(row)].max(initial=0.0)
        ends[row] = before + gaps[row] + took[row]
    return np.asarray(np.maximum.reduceat(ends, programs.firsts))


def _new_tokens(programs: ProgramTable) -> list[int]:
    """Return the tokens of each prompt that no other call can have computed before it.

    Calls of other programs may, in whatever order they run; of its own program all that do not
    wait for it.
    """
    paths = [programs.paths.row(row) for row in range(len(programs))]
    answers = programs.requests.output_tokens.tolist()
    of = programs.program.tolist()
    users: dict[int, list[tuple[int, int]]] = {}
    for row, path in enumerate(paths):
        for place, (stream, end) in enumerate(path):
            more = answers[row] - 1 if place + 1 == len(path) else 0
            users.setdefault(stream, []).append((row, end + more))
    shared = {stream for stream, rows in users.items() if of[rows[0][0]] != of[rows[-1][0]]}
    furthest = {stream: max(end for _, end in rows) for stream, rows in users.items()}
    later = _followers(programs)
    found = []
    for row, path in enumerate(paths):
        known = 0
        for stream, end in path:
            reach = furthest[stream]
            if stream not in shared:
                reach = max((far for at, far in users[stream] if at not in later[row]), default=0)
            known = max(known, min(reach, end))
        length = path[-1][1]
        found.append(length - min(known, length - 1))
    return found


def _followers(programs: ProgramTable) -> list[set[int]]:
    """Return the calls that wait for each one, itself among them."""
    found = [{row} for row in range(len(programs))]
    for row in reversed(range(len(programs))):
        for before in programs.waits(row).tolist():
            found[before] |= found[row]
    return found
