"""Can't be late: a job with a deadline on spot capacity that comes and goes.

Each tick the job idles, runs on a spot instance where there is one, or on an on-demand instance at
a multiple of its price; starting an instance takes a changeover without progress. The rules see
the present only; the optimum knows the whole trace and is an exact dynamic program.

Source: Wu and others, "Can't be late: optimizing spot instance savings under deadlines", NSDI 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scheduling.instances.documents import read_json
from scheduling.instances.spot.traces import SpotTrace
from scheduling.scenarios.scenario import Row, Run

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

IDLE, SPOT, DEMAND = 0, 1, 2

PRICE = 3
"""Price of on-demand capacity over that of spot capacity."""


@dataclass(frozen=True)
class Job:
    """A job in ticks: its work, its deadline, and the changeover before an instance works."""

    work: int
    deadline: int
    changeover: int

    @property
    def slack(self) -> int:
        """Ticks that may be lost."""
        return self.deadline - self.work


def job_of(hours: float, fraction: float, changeover: float, gap_seconds: float) -> Job:
    """Return a job that takes a fraction of its deadline, in ticks of a trace."""
    ticks = 3600.0 / gap_seconds
    work = round(hours * ticks)
    return Job(work, round(work / fraction), max(1, round(changeover * ticks)))


def availability(path: Path) -> tuple[Flags, float]:
    """Read a trace: whether there is capacity in each tick, and the seconds of a tick."""
    trace = read_json(SpotTrace, path.read_text(encoding="utf-8"), str(path))
    return np.array(trace.data) > 0, trace.metadata.gap_seconds


def windows(traces: Sequence[Flags], job: Job, count: int) -> Flags:
    """Cut stretches as long as the deadline at even distances, (windows, zones, ticks)."""
    length = min(map(len, traces))
    starts = np.linspace(0, length - job.deadline - 1, count).astype(int)
    return np.array([[trace[start : start + job.deadline] for trace in traces] for start in starts])


def uniform_progress(free: Flags, job: Job) -> Ints:
    """Run the rule Uniform Progress; return the on-demand ticks of work of each window.

    It keeps to progress in proportion to time: idle and behind it goes on demand, and leaves that
    again once it is ahead by two changeovers; spot capacity is taken whenever it may be. Where what
    is left of the deadline would not do otherwise, it stays on demand to the end. Of several zones
    the first with capacity is taken, and kept while it has any.
    """
    return _simulated(free, job, progressive=True)


def greedy(free: Flags, job: Job) -> Ints:
    """Run the greedy rule: spot capacity or none until only on-demand capacity is in time."""
    return _simulated(free, job, progressive=False)


def _simulated(free: Flags, job: Job, *, progressive: bool) -> Ints:
    count = len(free)
    mode, zone = np.full(count, IDLE), np.zeros(count, np.int64)
    wait, done, demand = (np.zeros(count, np.int64) for _ in range(3))
    everyone = np.arange(count)
    for tick in range(job.deadline):
        running = done < job.work
        mode[(mode == SPOT) & ~free[everyone, zone, tick]] = IDLE
        late = job.deadline - tick < job.work - done + 2 * job.changeover
        some = free[:, :, tick].any(axis=1)
        expected = tick * job.work / job.deadline
        ahead = (tick + 2 * job.changeover) * job.work / job.deadline
        leaves = (mode == DEMAND) & ~late & (done >= ahead) & progressive
        idle = (mode == IDLE) | leaves
        to_demand = (mode == IDLE) & (late | (~some & (done < expected) & progressive))
        to_spot = idle & some & ~late
        mode[leaves] = IDLE
        mode[to_demand], mode[to_spot] = DEMAND, SPOT
        wait[to_demand | to_spot] = job.changeover
        zone[to_spot] = free[to_spot, :, tick].argmax(axis=1)
        active = running & (mode != IDLE)
        works = active & (wait == 0)
        wait[active & (wait > 0)] -= 1
        done[works] += 1
        demand[works & (mode == DEMAND)] += 1
    if (done < job.work).any():
        raise AssertionError("a rule missed the deadline")
    return demand


def best_demand(free: Flags, job: Job) -> Ints:
    """Return the least on-demand ticks of work of each window, with the trace known.

    A dynamic program over ticks, ticks lost so far, and modes: a tick of work loses nothing, an
    idle one loses one, and starting an instance loses the changeover, in which its zone has to hold
    out.
    As the work is the same for all, the least cost has the fewest on-demand ticks.
    """
    count, zones, _ = free.shape
    lost = job.slack + 1
    shift = job.changeover
    far = float(job.deadline + 1)
    idle = np.full((count, lost), far)
    idle[:, 0] = 0.0
    # Instances that are ready at each tick from now on: spot by zone, then on demand.
    ready = np.full((shift + 1, zones + 1, count, lost), far)
    best = np.full(count, far)
    steady = _steady(free, shift)
    for tick in range(job.deadline + 1):
        now = ready[tick % (shift + 1)]
        least = np.minimum(idle, now.min(axis=0))
        if tick >= job.work:
            best = np.minimum(best, least[:, tick - job.work])
            least[:, : tick - job.work + 1] = far
            now[:, :, : tick - job.work + 1] = far
        if tick == job.deadline:
            break
        moved = np.full((count, lost), far)
        moved[:, shift:] = least[:, : lost - shift]
        later = ready[(tick + shift) % (shift + 1)]
        _start(later, moved, steady[:, :, tick])
        following = ready[(tick + 1) % (shift + 1)]
        stays = now.copy()
        stays[:zones][~free[:, :, tick].T] = far
        stays[zones] += 1.0
        now[:] = far
        np.minimum(following, stays, out=following)
        idle = np.full((count, lost), far)
        idle[:, 1:] = least[:, :-1]
    return best.astype(np.int64)


def _steady(free: Flags, ticks: int) -> Flags:
    """Tell whether a zone has capacity in so many ticks from each one on."""
    summed = np.concatenate((np.zeros((*free.shape[:2], 1)), np.cumsum(free, axis=2)), axis=2)
    padded = np.concatenate((summed, np.repeat(summed[:, :, -1:], ticks, axis=2)), axis=2)
    return np.asarray(padded[:, :, ticks : ticks + free.shape[2]] - summed[:, :, :-1] >= ticks)


def _start(later: Floats, moved: Floats, steady: Flags) -> None:
    """Let instances be started: those of zones that hold out, and those on demand."""
    zones = len(later) - 1
    for zone in range(zones):
        better = np.where(steady[:, zone, None], moved, np.inf)
        np.minimum(later[zone], better, out=later[zone])
    np.minimum(later[zones], moved, out=later[zones])


_FOLDER = "spot_availability/availability/1-node/aws-02-15-2023"
FILE = f"{_FOLDER}/us-east-1a_v100_1.json"
"""A file of the folder whose traces are read, all of one start and tick."""

_HOURS, _FRACTION, _CHANGEOVER = 48.0, 0.8, 0.2
_STARTS, _BEST_STARTS = 300, 60
_REGION_HOURS, _REGION_DEADLINE, _REGIONS = 24.0, 36.0, 3


def rows(limits: Run) -> list[Row]:
    """Run the rules on the zones one by one, and on the scarcest ones together."""
    folder = limits.file("adrs", FILE).parent
    read = [availability(path) for path in sorted(folder.glob("*.json"))]
    gap_seconds = read[0][1]
    traces = [trace for trace, seconds in read if seconds == gap_seconds]
    scarce = sorted(traces, key=lambda trace: float(trace.mean()))[:_REGIONS]
    return [_single(traces, gap_seconds), _together(scarce, gap_seconds)]


def _cost(job: Job, demand: float) -> float:
    """Cost in ticks of spot capacity."""
    return job.work + (PRICE - 1) * demand


def _single(traces: Sequence[Flags], gap_seconds: float) -> Row:
    job = job_of(_HOURS, _FRACTION, _CHANGEOVER, gap_seconds)
    hour = gap_seconds / 3600.0
    every = [windows([trace], job, _STARTS) for trace in traces]
    few = [windows([trace], job, _BEST_STARTS) for trace in traces]
    plain = float(np.mean([greedy(free, job).mean() for free in every]))
    even = float(np.mean([uniform_progress(free, job).mean() for free in every]))
    # The optimum is over fewer starts, so the rules are run on those as well.
    best, same, base = (
        float(np.mean([rule(free, job).mean() for free in few]))
        for rule in (best_demand, uniform_progress, greedy)
    )
    closed = (_cost(job, base) - _cost(job, same)) / (_cost(job, base) - _cost(job, best))
    return Row(
        case=f"{len(traces)} zones, {_STARTS} starts, {_HOURS:.0f} h of {_HOURS / _FRACTION:.0f} h",
        measure="hours on demand, mean",
        baseline="greedy",
        baseline_value=plain * hour,
        method="uniform progress",
        value=even * hour,
        gap=1.0 - _cost(job, best) / _cost(job, same),
        published="greedy 30.8, uniform progress 25.1, omniscient 20.7 over all of the study's "
        "zones, of which these are a part",
        verdict=f"{_HOURS - even * hour:.1f} h on spot, omniscient {best * hour:.1f} h on demand; "
        f"{100 * closed:.0f} % of the cost gap closed, no deadline missed",
    )


def _together(traces: Sequence[Flags], gap_seconds: float) -> Row:
    job = job_of(_REGION_HOURS, _REGION_HOURS / _REGION_DEADLINE, _CHANGEOVER, gap_seconds)
    hour = gap_seconds / 3600.0
    free = windows(traces, job, _BEST_STARTS)
    alone = min(
        float(uniform_progress(free[:, zone : zone + 1], job).mean()) for zone in range(len(traces))
    )
    even, best = (float(rule(free, job).mean()) for rule in (uniform_progress, best_demand))
    return Row(
        case=f"the {len(traces)} scarcest zones, {_REGION_HOURS:.0f} h of {_REGION_DEADLINE:.0f} h",
        measure="hours on demand, mean",
        baseline="uniform progress in the best zone",
        baseline_value=alone * hour,
        method="uniform progress over all of them",
        value=even * hour,
        gap=1.0 - _cost(job, best) / _cost(job, even),
        published=None,
        verdict=f"omniscient {best * hour:.1f} h on demand",
    )
