"""FlowPrefill: prompts that give way between operators, against the most that can be on time.

FlowPrefill (arXiv 2602.16603) computes prompts of texts, images, searches and files on one
instance, each with its own limit of the time to the first token, and decides only when a prompt
comes or ends. Here prompts of those classes come faster than they can be computed, so some have
to be late. Which could have been on time is certified by the program over intervals, which lets
prompts be interrupted anywhere; so no policy that gives way between operators, joins prompts or
cuts them into chunks does better. Shares of the classes and lengths of prompts are assumptions,
the trace not being at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.cost.protocol import Affine, Batch
from scheduling.models.prefill.problem import PrefillProblem, Prompt
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.flowprefill import OPERATORS
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.strategy import Setting

COST = Affine(base=0.0, per_token=6e-5, per_pair=1.2e-9)
"""About an 8B model on an A800; a prompt takes the same alone and beside others."""

CLASSES = (
    ("text", 0.25, 0.60, 300, 3000),
    ("image", 0.5, 0.20, 1000, 5000),
    ("search", 4.0, 0.10, 4000, 16_000),
    ("file", 6.0, 0.10, 6000, 24_000),
)
"""Name, seconds to the first token, share, least and most tokens."""

POLICIES = ("vllm", "edf", "preemptive-edf", "preemptive-srpt", "flowprefill")

_BASELINE = "preemptive-edf"
_REQUESTS = 80
_LOADS = (1.2, 2.0)
_SEEDS = 5
_WORK = 20.0
_PUBLISHED = "goodput up to 5.6 times that of systems that do not preempt (abstract)"


@dataclass(frozen=True, slots=True)
class Case:
    """Prompts that were drawn, and how many of them can be on time at most."""

    table: RequestTable
    most: float


def run(limits: Run) -> list[Row]:
    """Run every policy on drawn prompts at two loads, as many draws as the time allows."""
    rows = []
    for load in _LOADS:
        cases: list[Case] = []
        for seed in limits.each(range(_SEEDS)):
            table = drawn(load, seed)
            best = solve(problem_of(table), "intervals", work_limit=_WORK, workers=1)
            cases.append(Case(table, float(best.bound)))
        rows += _rows(load, cases)
    return rows


def drawn(load: float, seed: int) -> RequestTable:
    """Draw prompts whose work comes ``load`` times as fast as it can be done."""
    rng = np.random.default_rng(seed)
    shares = np.array([share for _, _, share, *_ in CLASSES])
    counts = np.rint(shares * _REQUESTS).astype(np.int64)
    kinds = rng.permutation(np.repeat(np.arange(len(CLASSES)), counts))
    low, high = (np.array([entry[place] for entry in CLASSES])[kinds] for place in (3, 4))
    tokens = (low * (high / low) ** rng.random(len(kinds))).astype(np.int64)
    work = np.array([COST.seconds(Batch.prefill(int(count))) for count in tokens])
    gaps = rng.exponential(1.0, len(kinds))
    arrivals = (np.cumsum(gaps) - gaps[0]) * work.sum() / (load * gaps.sum())
    return RequestTable(
        np.rint(arrivals * NS_PER_SECOND).astype(np.int64),
        tokens,
        np.ones(len(kinds), dtype=np.int64),
        kinds,
        np.zeros(len(kinds), dtype=np.int64),
        tuple(name for name, *_ in CLASSES),
    )


def problem_of(table: RequestTable) -> PrefillProblem:
    """Return the offline problem of prompts, in nanoseconds; no operator is longer than it is."""
    found = []
    for row in range(len(table)):
        limit = CLASSES[int(table.demand[row])][1]
        seconds = COST.seconds(Batch.prefill(int(table.prompt_tokens[row])))
        arrival = int(table.arrival_ns[row])
        found.append(
            Prompt(
                id=f"{table.demands[int(table.demand[row])]}-{row}",
                release=arrival,
                operators=OPERATORS,
                duration=int(seconds * NS_PER_SECOND / OPERATORS),
                due=arrival + round(limit * NS_PER_SECOND),
            )
        )
    return PrefillProblem(name="flowprefill", prompts=tuple(found))


def on_time(table: RequestTable, policy: str) -> int:
    """Return how many prompts a policy brings to their first token in time."""
    limits = tuple(limit for _, limit, *_ in CLASSES)
    longest = int(table.prompt_tokens.max()) + 1
    chosen = strategy(policy, Setting(table, COST, limits, longest, 1))
    group = Group(
        "prompts",
        COST,
        kv_tokens=int(table.prompt_tokens.sum()) + 16 * (len(table) + 1),
        composition=chosen.composition,
        admission=chosen.admission,
        eviction=chosen.eviction,
        order=chosen.order,
    )
    served = simulate_fleet(Deployment((group,)), table)
    return int((served.ttft_seconds <= np.array(limits)[table.demand]).sum())


def _rows(load: float, cases: list[Case]) -> list[Row]:
    most = sum(case.most for case in cases) / len(cases)
    reached = {
        policy: sum(on_time(case.table, policy) for case in cases) / len(cases)
        for policy in POLICIES
    }
    return [
        Row(
            case=f"{_REQUESTS} prompts at {load:g} times the load, {len(cases)} of {_SEEDS} draws",
            measure="prompts on time",
            baseline=_BASELINE,
            baseline_value=reached[_BASELINE],
            method=policy,
            value=value,
            gap=1.0 - value / most,
            published=_PUBLISHED if policy == "flowprefill" else None,
            verdict=f"{value / most:.1%} of the {most:.1f} that can be at most",
        )
        for policy, value in reached.items()
    ]


SCENARIO = Scenario(
    name="flowprefill",
    system="FlowPrefill: preemption at operators, S-EDF (arXiv 2602.16603)",
    problem="prompts with deadlines, preempted between operators",
    wants="nothing: drawn prompts of its four classes",
    run=run,
    targets=(
        Target(("prompts on time", "^flowprefill$"), at_least=1, at_most=5.6, better="more"),
        Target(("prompts on time", "^flowprefill$"), of="gap", at_most=0.1),
    ),
)
