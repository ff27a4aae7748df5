"""FastSwitch: what it costs that requests change places by priority.

FastSwitch (arXiv 2411.18424) serves conversations whose priorities change every few dozen
iterations; those that lose their place wait on the host. Copying every block by itself and whole
each time stalls the iterations; copying long runs, keeping copies, and bringing requests back
beside iterations does not. To begin anew is no alternative: prompts take longer than priorities
stay. Conversations are drawn like ShareGPT's, priorities at random every second, about 25
iterations; the length of the runs is not in the paper, and 16 blocks are assumed.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.serving_loads import certified_gap, published_requests
from scheduling.simulator.requests.capacity import at_rate
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.strategy import Setting

BASELINE, POLICY = "priority-swap", "fastswitch"

_REQUESTS = 150
_RATE = 0.4
_MODEL, _GPU = "llama-3.1-8b", "a10"
_RATE_MEASURE = "requests a second"
_PUBLISHED = {
    "99th percentile of TTFT in seconds": "1.4 to 5.8 times shorter",
    "99th percentile of TPOT in seconds": "up to 11.2 times shorter",
    _RATE_MEASURE: "up to 1.44 times as many",
}


def served(name: str) -> tuple[FleetRun, float | None]:
    """Run the conversations under a policy; the gap is to what no policy's rate goes beyond."""
    model, card, layout, precision = llm(_MODEL), gpu(_GPU), Layout(), Precision()
    requests = at_rate(published_requests("sharegpt", _REQUESTS, seed=0), _RATE)
    cost = replica_cost(model, card, layout, precision)
    chosen = strategy(name, Setting(requests, cost, (None,), 16_384, 4096))
    group = Group(
        "server",
        cost,
        kv_capacity(model, card, layout, precision) or 0,
        composition=chosen.composition,
        admission=chosen.admission,
        eviction=chosen.eviction,
        order=chosen.order,
    )
    ran = simulate_fleet(Deployment((group,)), requests)
    return ran, certified_gap(group, ran, "makespan")


def run(limits: Run) -> list[Row]:
    """Compare both ways of changing places."""
    del limits
    ran, gap = served(POLICY)
    base, found = _figures(served(BASELINE)[0]), _figures(ran)
    return [
        Row(
            case=f"{_REQUESTS} conversations, {_RATE:g} a second, {_MODEL} on {_GPU}",
            measure=measure,
            baseline=BASELINE,
            baseline_value=base[measure],
            method=POLICY,
            value=found[measure],
            gap=gap if measure == _RATE_MEASURE else None,
            published=_PUBLISHED.get(measure),
            verdict=f"{found[measure] / base[measure]:.2f} of every block by itself, whole",
        )
        for measure in base
    ]


def _figures(one: FleetRun) -> dict[str, float]:
    tally = one.instances[0].tally
    return {
        "99th percentile of TTFT in seconds": float(np.percentile(one.ttft_seconds, 99)),
        "99th percentile of TPOT in seconds": float(np.percentile(one.tpot_seconds, 99)),
        _RATE_MEASURE: len(one.table) / one.makespan_seconds,
        "thousand tokens copied to the host": tally.swapped_out / 1e3,
        "seconds that iterations waited for copies": tally.copying_ns / 1e9,
    }


SCENARIO = Scenario(
    name="fastswitch",
    system="FastSwitch: preemption by priority without stalls (arXiv 2411.18424)",
    problem="KV blocks swapped by priority",
    wants="nothing: a model and a GPU of the catalogue, drawn conversations and priorities",
    run=run,
    targets=(
        Target(("TTFT",), at_least=1 / 5.8, at_most=1 / 1.4, better="less"),
        Target(("TPOT",), at_least=1 / 11.2, at_most=1, better="less"),
        Target(("requests a second",), at_least=1, at_most=1.44, better="more"),
    ),
)
