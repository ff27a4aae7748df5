"""SAGA (arXiv 2605.00528): what to drop of agents' contexts, who serves whom, whose turn it is.

Eviction is tried on traces of sessions that walk a graph of steps: after each step a session goes
on with a chance that the graph tells, and its context is used again, or ends. Costs are those of
computing contexts anew; the denominator is the certified optimum with contexts of different sizes,
not Belady's rule, which is best for equal ones only. Agent Fair Share is tried as a fluid: shares
in proportion to work by time to the deadline. The whole runs on four replicas, whose hosts hold
what they drop; copies back begin when a request comes, which is later than the published ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.models.caching.arrays import CachingArrays, Flags, compile_caching
from scheduling.models.caching.problem import CachedObject, CachingProblem
from scheduling.models.cost.catalogue import llm
from scheduling.scenarios.agent_fleets import CODER, Pressure, fleet, program_row, run_policies
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.simulator.requests.compare import Outcome
from scheduling.solvers.caching.policies import Lru, replay

_TRACES = 3
_SESSIONS = 200
_ALIVE = 24
_SHARES = (0.7, 1.0)
_TASK_SETS = 200
_ALPHA, _BETA, _GAMMA = 0.3, 0.5, 0.2
_SEEDS = (1, 2, 3)
_HOST_RATE = 25e9
"""Bytes a second from the host, as published."""

_HOST_BYTES = 128e9
"""Of a replica: an eighth of the terabyte of a DGX A100; all contexts of these agents fit."""

_EPOCH, _DONE = 0.1, 1e-9
"""Seconds between two shares, as published; and what counts as no work or time."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A trace of sessions.

    Parameters
    ----------
    problem
        Contexts as objects, each use a request; a miss costs as many units as it has.
    goes_on
        Chance, by the graph, that the session of each use comes back, in the trace's order.
    """

    problem: CachingProblem
    goes_on: tuple[float, ...]


def walk(seed: int, share: float) -> Walk:
    """Draw sessions, some side by side, through steps with different chances to end.

    ``share`` is the capacity by the contexts of the sessions that are there at one time.
    """
    rng = np.random.default_rng(seed)
    stays = np.array([0.99, 0.97, 0.95, 0.0])
    moves = np.array(
        [[0.5, 0.4, 0.08, 0.02], [0.2, 0.5, 0.2, 0.1], [0.1, 0.3, 0.3, 0.3], [0.1, 0.1, 0.2, 0.6]]
    )
    sizes = np.maximum(1, np.rint(40 * rng.lognormal(0, 0.5, _SESSIONS))).astype(int)
    alive: list[list[int]] = []
    started = 0
    uses: list[int] = []
    goes_on = []
    while started < _SESSIONS or alive:
        while len(alive) < _ALIVE and started < _SESSIONS:
            alive.append([started, 0])
            started += 1
        place = int(rng.integers(len(alive)))
        session, step = alive[place]
        uses.append(session)
        goes_on.append(float(stays[step]))
        if rng.random() < stays[step]:
            alive[place][1] = int(rng.choice(len(stays), p=moves[step]))
        else:
            del alive[place]
    live = float(sizes.mean()) * _ALIVE
    problem = CachingProblem(
        name=f"walk-{seed}",
        capacity=int(share * live),
        objects=tuple(
            CachedObject(id=f"s{number}", size=int(size), cost=int(size))
            for number, size in enumerate(sizes)
        ),
        requests=tuple((f"s{session}",) for session in uses),
    )
    return Walk(problem, tuple(goes_on))


def workflow_aware(one: Walk, arrays: CachingArrays) -> Flags:
    """Run WA-LRU over a trace; return the gaps during which it keeps the context.

    It drops what has the greatest ``.3 * idle / longest idle + .5 * (1 - reuse) + .2 * size /
    largest``; the longest idle is that of the contexts it holds, in requests.
    """
    sizes, gaps = arrays.sizes.tolist(), arrays.gap_of.tolist()
    largest, used = max(sizes), 0
    kept = np.zeros(arrays.n_gaps, np.bool_)
    held: dict[int, int] = {}
    for now, item in enumerate(arrays.access.tolist()):
        if item in held:
            kept[gaps[now]] = True
        else:
            used += sizes[item]
        held[item] = now
        while used > arrays.capacity:
            longest = max(1, now - min(held.values()))
            scores = {
                other: _ALPHA * (now - since) / longest
                + _BETA * (1 - one.goes_on[since])
                + _GAMMA * sizes[other] / largest
                for other, since in held.items()
            }
            dropped = max(scores, key=scores.__getitem__)
            used -= sizes[dropped]
            del held[dropped]
    return kept


def late_tasks(seed: int, rule: str) -> tuple[int, int]:
    """Run tasks as a fluid; return how many are late, and how many there are.

    Each has work and a deadline; work by time to the deadline sums to the capacity of 1 at most.
    Every epoch the capacity is shared anew: under ``"urgency"`` in proportion to work left by time
    left, under ``"equal"`` equally.
    """
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 12))
    deadlines = rng.uniform(1, 10, count)
    left = rng.dirichlet(np.ones(count)) * rng.uniform(0.7, 1.0) * deadlines
    late = np.zeros(count, dtype=bool)
    epoch = 0
    while (left > _DONE).any():
        now, open_ = epoch * _EPOCH, left > _DONE
        time = np.maximum(deadlines - now, _DONE)
        shares = np.where(open_, left / time if rule == "urgency" else 1.0, 0.0)
        speeds = shares / shares.sum()
        ends = now + left / np.where(open_, speeds, 1.0)
        late |= open_ & (np.minimum(ends, now + _EPOCH) > deadlines + _DONE)
        left = np.maximum(left - speeds * _EPOCH, 0.0)
        epoch += 1
    return int(late.sum()), count


def eviction_rows(share: float, seconds: float) -> list[Row]:
    """Replay the policies on traces, beside the certified optimum."""
    values = {"lru": 0, "wa-lru": 0}
    bound = 0.0
    for seed in range(_TRACES):
        one = walk(seed, share)
        bound += float(solve(one.problem, time_limit=seconds / _TRACES, workers=1).bound or 0)
        arrays = compile_caching(one.problem)
        values["lru"] += arrays.cost(replay(arrays, Lru()))
        values["wa-lru"] += arrays.cost(workflow_aware(one, arrays))
    published = ("2.84 (SWE), 2.12 (Web)", "1.31 (SWE), 1.28 (Web)")
    return [
        Row(
            case=f"{_TRACES} traces, memory for {share:.0%} of the live contexts",
            measure="cost of misses over the certified optimum",
            baseline="optimum",
            baseline_value=1.0,
            method=name,
            value=value / bound,
            gap=1 - bound / value,
            published=figure,
            verdict=f"{value / bound:.2f} of the optimum",
        )
        for (name, value), figure in zip(values.items(), published, strict=True)
    ]


def run(limits: Run) -> list[Row]:
    """Run evictions, fair shares and the fleet."""
    seconds = max(1.0, min(limits.left / 8, 10.0))
    rows = [row for share in _SHARES for row in eviction_rows(share, seconds)]
    late = {
        rule: [late_tasks(seed, rule) for seed in range(_TASK_SETS)]
        for rule in ("urgency", "equal")
    }
    share = {rule: sum(n for n, _ in got) / sum(n for _, n in got) for rule, got in late.items()}
    rows.append(
        Row(
            case=f"{_TASK_SETS} sets of tasks whose shares sum to 1 at most",
            measure="share of tasks that are late",
            baseline="equal shares",
            baseline_value=share["equal"],
            method="Agent Fair Share",
            value=share["urgency"],
            gap=0.0 if not share["urgency"] else 1.0,
            published="99.2 % within their deadlines",
            verdict="none is late" if not share["urgency"] else "some are late",
        )
    )
    return [*rows, *fleet_rows(limits)]


def fleet_rows(limits: Run) -> list[Row]:
    """Run agents on replicas: SAGA, and SAGA without the memory of the hosts."""
    per_token = llm("llama-3.1-8b").kv_bytes_per_token("fp16")
    host = {
        "tokens": int(_HOST_BYTES / per_token),
        "tokens_per_second": _HOST_RATE / per_token,
        "ahead": True,
    }
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "apc": ("apc", {}),
        "saga": ("saga", {"host": host}),
        "saga, nothing on hosts": ("saga", {}),
    }
    found: dict[str, list[Outcome]] = {name: [] for name in ways}
    for seed in limits.each(_SEEDS):
        for name, (policy, replica) in ways.items():
            agents = fleet([CODER], Pressure(130_000, 1.2), replicas=4, replica=replica)
            found[name] += run_policies(agents, (policy,), (seed,))[policy]
    case = (
        "120 coding agents, 1.2/s, 4 replicas of 130,000 KV tokens, "
        f"{len(found['apc'])} of {len(_SEEDS)} draws"
    )
    published = {
        "saga": "352.1 s to 203.4 s (SWE-bench)",
        "saga, nothing on hosts": "19 % longer than SAGA without its copies ahead of use",
    }
    return [program_row(case, found, "apc", name, text) for name, text in published.items()]


SCENARIO = Scenario(
    name="saga",
    system="SAGA: workflow-aware eviction, affinity and Agent Fair Share (arXiv 2605.00528)",
    problem="eviction, affinity and fair shares of agents",
    wants="nothing: sessions, tasks and agents are drawn",
    run=run,
    targets=(
        Target(
            ("for 100%", "^wa-lru$"),
            of="value",
            at_least=1,
            at_most=1.4,
            otherwise="drawn sessions, of unlike sizes, against a bound that knows sizes",
        ),
        Target(("for 100%", "^lru$"), of="value", at_least=1.7),
        Target(("^Agent Fair Share$",), of="value", at_most=0.008),
        Target(
            ("mean seconds of a program", "^saga$"),
            at_most=203.4 / 352.1,
            otherwise="a smaller model, four GPUs, drawn agents",
        ),
    ),
)
