"""Serving of reasoning models: what long thoughts do to KV memory, latency and batches.

The study of reasoning models in serving (arXiv 2510.18672) finds that their KV memory swings
between 3 and 70 % where that of plain models stays below 3 %, that users wait for the first token
behind the thoughts, not for the first one, and that 4096 to 8192 tokens an iteration are enough.
Here the same requests, drawn once, go to a 7B model that thinks and to one that answers at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.instances.requests.reasoning import ReasoningRequests, reasoning_requests
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.serving_loads import certified_gap
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.run import FleetRun

Floats = NDArray[np.float64]

BUDGETS = (512, 1024, 2048, 4096, 8192, 16384)
"""Tokens an iteration that are tried."""

_REQUESTS = 600
_RATE = 4.0
_SEQUENCES = 512
_ENOUGH = 4096
_MOMENTS = 2000
_MODEL, _GPU = "qwen2.5-7b", "a100-80gb-sxm"
_SWING = "3 to 70 % of KV memory with thoughts, below 3 % without (arXiv 2510.18672)"
_SUFFICIENT = "budgets of 4096 to 8192 tokens are sufficient (arXiv 2510.18672)"


def run(limits: Run) -> list[Row]:
    """Serve the same requests with and without thoughts, then with several budgets."""
    del limits
    drawn = reasoning_requests(_REQUESTS, _RATE)
    capacity = kv_capacity(llm(_MODEL), gpu(_GPU), Layout(), Precision()) or 1
    group = _replica(capacity, _ENOUGH)
    thinking, plain = (_served(table, group) for table in (drawn.table, drawn.plain))
    return [
        _swing_row(thinking, plain, capacity),
        _visible_row(drawn, thinking),
        _budget_row(drawn.table, capacity),
    ]


def _replica(capacity: int, budget: int) -> Group:
    cost = replica_cost(llm(_MODEL), gpu(_GPU), Layout(), Precision())
    return Group(
        "replica", cost, capacity, max_sequences=_SEQUENCES, composition=Sarathi(tokens=budget)
    )


def _served(table: RequestTable, group: Group) -> FleetRun:
    return simulate_fleet(Deployment((group,)), table)


def kv_shares(served: FleetRun, capacity: int) -> Floats:
    """Return the share of KV memory in use at moments while requests come.

    A request holds its prompt from its start on, and its output as it grows, evenly from its
    first token to its last.
    """
    table = served.table
    moments = np.linspace(table.arrival_ns[0], table.arrival_ns[-1], _MOMENTS)[:, None]
    span = np.maximum(served.ended_ns - served.first_token_ns, 1)
    grown = np.clip((moments - served.first_token_ns) / span, 0.0, 1.0)
    held = table.prompt_tokens + grown * table.output_tokens
    present = (moments >= served.started_ns) & (moments < served.ended_ns)
    return np.asarray((held * present).sum(axis=1) / capacity)


def visible_seconds(drawn: ReasoningRequests, served: FleetRun) -> Floats:
    """Return the seconds from each arrival to the first token behind the thoughts."""
    share = drawn.think_tokens / np.maximum(drawn.table.output_tokens - 1, 1)
    thought = share * (served.ended_ns - served.first_token_ns)
    return np.asarray((served.first_token_ns + thought - drawn.table.arrival_ns) / 1e9)


def _swing_row(thinking: FleetRun, plain: FleetRun, capacity: int) -> Row:
    with_thoughts, without = (kv_shares(one, capacity) for one in (thinking, plain))
    lowest, highest = with_thoughts[_MOMENTS // 10 :].min(), with_thoughts.max()
    return Row(
        case=f"{_REQUESTS} requests at {_RATE:g}/s to a 7B model on an A100",
        measure="largest share of KV memory in use",
        baseline="answers at once",
        baseline_value=float(without.max()),
        method="thinks first",
        value=float(highest),
        gap=None,
        published=_SWING,
        verdict=f"swings between {lowest:.0%} and {highest:.0%}, plain up to {without.max():.1%}",
    )


def _visible_row(drawn: ReasoningRequests, served: FleetRun) -> Row:
    visible, first = visible_seconds(drawn, served), served.ttft_seconds
    slowest = float(np.quantile(visible, 0.99) / np.median(visible))
    return Row(
        case=f"the same {_REQUESTS} requests",
        measure="median seconds to the first token that a user sees (TTFVT)",
        baseline="to the first token of all (TTFT)",
        baseline_value=float(np.median(first)),
        method="behind the thoughts",
        value=float(np.median(visible)),
        gap=None,
        published=None,
        verdict=f"never earlier; the slowest percent waits {slowest:.1f} times the median",
    )


def _budget_row(table: RequestTable, capacity: int) -> Row:
    groups = {budget: _replica(capacity, budget) for budget in BUDGETS}
    runs = {budget: _served(table, group) for budget, group in groups.items()}
    mean = {budget: float(run.e2e_seconds.mean()) for budget, run in runs.items()}
    best = min(mean, key=lambda budget: mean[budget])
    return Row(
        case=f"the same requests, budgets from {BUDGETS[0]} to {BUDGETS[-1]} tokens an iteration",
        measure="mean seconds from arrival to the last token",
        baseline=f"the best budget, {best}",
        baseline_value=mean[best],
        method=f"budget {_ENOUGH}",
        value=mean[_ENOUGH],
        gap=certified_gap(groups[_ENOUGH], runs[_ENOUGH], "e2e"),
        published=_SUFFICIENT,
        verdict=f"within {mean[_ENOUGH] / mean[best] - 1:.1%} of the best of {len(BUDGETS)}",
    )


SCENARIO = Scenario(
    name="reasoning-study",
    system="A study of reasoning models in serving (arXiv 2510.18672, ICLR 2026)",
    problem="KV memory and limits of reasoning requests",
    wants="nothing: a model and a GPU of the catalogue, drawn requests",
    run=run,
    targets=(
        Target(("share of KV memory",), of="value", at_least=0.03, at_most=0.7),
        Target(("the best budget",), at_most=1.05),
    ),
)
