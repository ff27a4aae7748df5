"""Cold starts: how long pods are kept, and how many requests an instance takes.

Two studies. Keep-alive (serverless cold starts at Huawei, 11.9 million of them): every function's
idle pods are kept for one fixed time, or until holding one has cost as much as a cold start, which
costs at most twice the optimum on every trace. Concurrency (reinforcement learning for Knative's
autoscaler): tabular Q-learning moves the concurrency limit one level a window; every static limit
is tried in the simulator, and a shortest path through the windows is the best sequence of levels
by that table, moves included. Traces are drawn, weights and costs of moves inferred: both studies
are known by their abstracts here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.arrivals import PoissonArrivals
from scheduling.models.requests.keepalive import break_even, idling, kept_cost, least_cost
from scheduling.models.requests.lengths import LognormalLength
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass, Workload, sample
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.scaling import Autoscaled
from scheduling.simulator.requests.streams import stream

Floats = NDArray[np.float64]

LEVELS = (10, 20, 40, 80, 160)
"""Concurrency limits that are tried."""

_FUNCTIONS = 40
_CALLS = 400
_COLD = 20.0
_FIXED = (60.0, 600.0)
_WINDOWS = 30
_WINDOW = 120.0
_RATES = (0.2, 1.0, 2.0, 3.0, 8.0)
_INSTANCES = 24
_WAITING = 0.5
_MOVE = 20.0
_PASSES = 5000
_SEED = 1


def invocations(function: int) -> tuple[Floats, Floats]:
    """Draw starts and ends of a function's invocations; functions differ in their gaps."""
    rng = stream(_SEED, f"function {function}")
    gaps = rng.lognormal(rng.uniform(0.0, 6.0), 1.5, _CALLS)
    starts = np.cumsum(gaps)
    return starts, starts + rng.lognormal(0.5, 1.0, _CALLS)


def keep_rows() -> list[Row]:
    """Keep pods for fixed times and up to break-even."""
    traces = [idling(*map(list, invocations(function))) for function in range(_FUNCTIONS)]
    limit = break_even(hold=1.0, cold=_COLD)
    # Of fixed times the best one is known only afterwards.
    best = min(
        (round(limit * 2.0**power, 1) for power in range(-4, 8)),
        key=lambda seconds: sum(kept_cost(one, seconds, hold=1.0, cold=_COLD) for one in traces),
    )
    baselines = {f"kept {seconds:g} s": seconds for seconds in _FIXED}
    baselines[f"kept {best:g} s, the best fixed time found afterwards"] = best
    least = sum(least_cost(one, hold=1.0, cold=_COLD) for one in traces)
    ours = [kept_cost(one, limit, hold=1.0, cold=_COLD) for one in traces]
    worst = max(
        cost / least_cost(one, hold=1.0, cold=_COLD) for cost, one in zip(ours, traces, strict=True)
    )
    return [
        Row(
            case=f"{_FUNCTIONS} functions of {_CALLS} calls (inferred), a cold start as dear as "
            f"{_COLD:g} s of a pod",
            measure="seconds of pods, cold starts included",
            baseline=name,
            baseline_value=sum(kept_cost(one, seconds, hold=1.0, cold=_COLD) for one in traces),
            method="kept to break-even",
            value=sum(ours),
            gap=1 - least / sum(ours),
            published=None,
            verdict=f"worst function {worst:.2f} of its optimum, 2 at most on any trace",
        )
        for name, seconds in baselines.items()
    ]


@dataclass(frozen=True, slots=True)
class Service:
    """Requests and instances that are scaled."""

    table: RequestTable
    group: Group

    def costs(self, levels: int | Sequence[int]) -> Floats:
        """Return each window's cost: seconds of instances, and weighted seconds of requests."""
        router = Autoscaled(levels, _COLD, period_seconds=_WINDOW)
        run = simulate_fleet(Deployment((self.group,)), self.table, router=router)
        window = round(_WINDOW * NS_PER_SECOND)
        times, counts = np.array(router.alive, dtype=np.float64).T
        spans = np.diff(times, append=times[-1]) / NS_PER_SECOND
        found = np.zeros(_WINDOWS)
        last = _WINDOWS - 1
        np.add.at(found, np.minimum(times // window, last).astype(int), spans * counts)
        arrivals = np.minimum(self.table.arrival_ns // window, last)
        np.add.at(found, arrivals, _WAITING * run.e2e_seconds)
        return found

    def loads(self) -> list[int]:
        """Return for each window how its requests rank among the rates that there are."""
        window = round(_WINDOW * NS_PER_SECOND)
        counts = np.bincount(self.table.arrival_ns // window, minlength=_WINDOWS)[:_WINDOWS]
        nearest = np.abs(counts[:, None] / _WINDOW - np.array(_RATES)[None, :])
        return [int(row) for row in nearest.argmin(axis=1)]


def service() -> Service:
    """Return a small model on small GPUs, whose load changes from window to window."""
    model, card = llm("llama-3.1-8b"), gpu("l4")
    precision = Precision(weights="fp8", compute="fp8", kv="fp8")
    group = Group(
        "l4",
        replica_cost(model, card, Layout(), precision),
        kv_capacity(model, card, Layout(), precision) or 0,
        replicas=_INSTANCES,
    )
    rng = stream(_SEED, "rates")
    prompt = LognormalLength(median=300, sigma=0.8, at_most=4000)
    answer = LognormalLength(median=120, sigma=0.6, at_most=800)
    parts = []
    for number in range(_WINDOWS):
        arrivals = PoissonArrivals(rate=_RATES[int(rng.integers(len(_RATES)))])
        chat = RequestClass(arrivals=arrivals, prompt=prompt, output=answer)
        part = sample(Workload(classes=(chat,)), seconds=_WINDOW, seed=number)
        shift = round(number * _WINDOW * NS_PER_SECOND)
        parts.append((part.arrival_ns + shift, part.prompt_tokens, part.output_tokens))
    arrival, prompts, outputs = (np.concatenate(column) for column in zip(*parts, strict=True))
    nothing = np.zeros(len(arrival), dtype=np.int64)
    return Service(RequestTable(arrival, prompts, outputs, nothing, nothing), group)


def path_cost(table: Floats, levels: Sequence[int]) -> float:
    """Return the cost of a sequence of levels, rows of the table's columns, and of its moves."""
    moves = sum(abs(a - b) for a, b in pairwise(levels))
    return float(sum(table[window, level] for window, level in enumerate(levels))) + _MOVE * moves


def best_path(table: Floats) -> list[int]:
    """Return the cheapest sequence of levels, by dynamic programming over windows."""
    count = table.shape[1]
    moves = _MOVE * np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    cost, came = table[0].copy(), []
    for row in table[1:]:
        before = cost[:, None] + moves
        came.append(before.argmin(axis=0))
        cost = before.min(axis=0) + row
    path = [int(cost.argmin())]
    for origin in reversed(came):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def learned_path(table: Floats, loads: Sequence[int], start: int) -> list[int]:
    """Learn by tabular Q-learning where to move, and return the levels that it then takes.

    The state is the level and the load of the window before, an action moves one level down, up,
    or not; the reward is minus the window's cost, over the mean, and that of the move.
    """
    rng = stream(_SEED, "learning")
    count = table.shape[1]
    scale = float(table.mean())
    values = np.zeros((count, len(_RATES), 3))

    def walk(curiosity: float) -> list[int]:
        level, path = start, []
        for window in range(len(table)):
            load = loads[window - 1] if window else 0
            known = values[level, load]
            free = rng.random() < curiosity
            action = int(rng.integers(3)) if free else int(known.argmax())
            after = min(max(level + action - 1, 0), count - 1)
            reward = -(float(table[window, after]) + _MOVE * abs(after - level)) / scale
            target = reward + 0.9 * float(values[after, loads[window]].max())
            if curiosity:
                known[action] += 0.1 * (target - known[action])
            level = after
            path.append(level)
        return path

    for number in range(_PASSES):
        walk(1.0 - 0.95 * number / _PASSES)
    return walk(0.0)


def scaling_rows() -> list[Row]:
    """Compare learned levels with the best static one, by the table and in the simulator."""
    loaded = service()
    table = np.stack([loaded.costs(level) for level in LEVELS], axis=1)
    static = int(table.sum(axis=0).argmin())
    learned = learned_path(table, loaded.loads(), start=len(LEVELS) - 1)
    least = path_cost(table, best_path(table))
    value = path_cost(table, learned)
    replayed = loaded.costs([LEVELS[level] for level in learned])
    case = f"{len(loaded.table)} requests in {_WINDOWS} windows, up to {_INSTANCES} L4 (inferred)"
    best = float(table[:, static].sum())
    return [
        Row(
            case=case,
            measure="seconds of instances, and half those of requests, by windows of static runs",
            baseline=f"best static limit, {LEVELS[static]}",
            baseline_value=best,
            method="Q-learning",
            value=value,
            gap=1 - least / value,
            published=None,
            verdict=f"{_PASSES} passes; best sequence {least / best:.3f} of static",
        ),
        Row(
            case=case,
            measure="the same, simulated",
            baseline=f"best static limit, {LEVELS[static]}",
            baseline_value=best,
            method="Q-learning",
            value=float(replayed.sum()),
            gap=None,
            published=None,
            verdict=f"limit {LEVELS[-1]} costs {float(table[:, -1].sum()) / best:.3f} of it",
        ),
    ]


def run(limits: Run) -> list[Row]:
    """Keep pods, and scale instances."""
    del limits
    return [*keep_rows(), *scaling_rows()]


SCENARIO = Scenario(
    name="cold-starts",
    system="Serverless cold starts at Huawei; reinforcement learning for Knative's autoscaler",
    problem="keep-alive and scaling of functions",
    wants="nothing: drawn invocations and requests, a GPU of the catalogue by the roofline",
    run=run,
    targets=(
        Target(("kept to break-even",), of="gap", at_most=0.5),
        Target(("^kept (60|600) s$",), at_most=1),
        Target(("Q-learning",), at_most=1.05),
    ),
)
