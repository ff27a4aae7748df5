"""DualMap: prompts of a trace on eight instances that keep prefixes, by two hashes of each prefix.

DualMap (arXiv 2602.06502) takes the better of two instances that a prompt's prefix is mapped to, so
that equal prefixes meet where they are kept and no instance is overrun. The first conversations of
Mooncake's trace run on eight pairs of NPUs by the roofline, in their order, at the rate at which
they came; baselines are one hash of the same keys, the fewest tokens, and the least expected time
of the first token, which asks all instances. No policy does better than the bound of prompts in
time: it computes only what an endless cache of all instances together would not hold, with memory
for everything, so what instances keep or share is in it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.paths import Paths
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.certify import Certified, Certifier
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import Slo
from scheduling.simulator.requests.policies.dualmap import DualMap, LeastTtft, PrefixHash, Ring
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policies.routing import LeastTokens
from scheduling.simulator.requests.policy import Router
from scheduling.simulator.requests.run import FleetRun

_TRACE = "llm_mooncake/conversation_trace.jsonl.gz"
_REQUESTS = 2000
_INSTANCES = 8
_BLOCK = 512
_TTFT = 5.0
_PUBLISHED = "goodput +14.3 to +48 % on Mooncake's traces (arXiv 2602.06502)"


def instances() -> Group:
    """Return the instances, which keep prefixes by their latest use."""
    model, card, layout = llm("qwen2.5-14b"), gpu("ascend-910b"), Layout(tp=2)
    precision = Precision(weights="fp16", compute="fp16", kv="fp16")
    return Group(
        "npu",
        replica_cost(model, card, layout, precision),
        kv_capacity(model, card, layout, precision) or 0,
        replicas=_INSTANCES,
        block_size=_BLOCK,
        retention=LeastRecent(),
    )


def imbalance(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """Return the most of an instance over the mean."""
    return float(counts.max() / counts.mean())


def remapped(nodes: int, keys: int = 4000) -> float:
    """Return the share of keys that have another pair of nodes once there is one node more."""
    before, after = Ring(range(nodes)), Ring(range(nodes + 1))
    changed = sum(set(before.pair(key)) != set(after.pair(key)) for key in range(keys))
    return changed / keys


def run(limits: Run) -> list[Row]:
    """Route the same prompts in four ways."""
    trace = read_requests(limits.file("dualmap", _TRACE))
    table = trace.table.rows(slice(_REQUESTS))
    count = len(table)
    if trace.blocks is None:
        return []
    blocks = trace.blocks.taken(np.arange(count))
    paths = Paths.of_blocks(blocks, table.prompt_tokens)
    group, slos = instances(), dict.fromkeys(table.demands, Slo(ttft_seconds=_TTFT))
    roomy = replace(group, kv_tokens=group.kv_tokens * _REQUESTS, retention=None)
    certifier = Certifier((roomy,), slos)
    routers: tuple[Router, ...] = (
        PrefixHash(paths),
        LeastTokens(),
        LeastTtft(paths),
        DualMap(paths, _TTFT),
    )
    runs: dict[str, tuple[FleetRun, Certified]] = {}
    for router in routers:
        found = simulate_fleet(Deployment((group,)), table, router=router, paths=paths)
        certified = certifier.certify(replace(found, table=table))
        runs[router.name] = found, next(one for one in certified if one.objective == "in-slo")
    ours, kept = runs.pop("dualmap")
    hits = float(ours.hit_tokens.sum() / table.prompt_tokens.sum())
    case = f"{count} conversations of Mooncake on {_INSTANCES} instances"
    rows = [
        Row(
            case=case,
            measure=f"share of first tokens within {_TTFT:g} s",
            baseline=name,
            baseline_value=one.value / count,
            method="dualmap",
            value=kept.value / count,
            gap=kept.gap,
            published=_PUBLISHED if name != "least-ttft" else None,
            verdict=f"{hits:.3f} of prompt tokens kept; "
            f"{float(other.hit_tokens.sum() / table.prompt_tokens.sum()):.3f} with {name}",
        )
        for name, (other, one) in runs.items()
    ]
    ring = Ring(range(_INSTANCES))
    first = Counter(ring.node(int(paths.row(row)[0][0]), "first") for row in range(count))
    rows.append(
        Row(
            case=case,
            measure="most prompts of an instance over the mean",
            baseline="one hash of the first block",
            baseline_value=imbalance(np.array([first[node] for node in range(_INSTANCES)])),
            method="dualmap",
            value=imbalance(np.bincount(ours.instance, minlength=_INSTANCES)),
            gap=None,
            published=None,
            verdict="1 is even",
        )
    )
    rows.append(
        Row(
            case=f"an instance joins {_INSTANCES}",
            measure="share of keys with another pair",
            baseline="limit, 2 / n",
            baseline_value=2 / _INSTANCES,
            method="dualmap",
            value=remapped(_INSTANCES),
            gap=None,
            published="one arc of each ring (arXiv 2602.06502)",
            verdict="consistent hashing",
        )
    )
    return rows


SCENARIO = Scenario(
    name="dualmap",
    system="DualMap: two mappings of prefixes to instances (arXiv 2602.06502)",
    problem="prompts to instances by prefix and load",
    wants=f"{_TRACE} of the data sets",
    run=run,
    targets=(
        Target(
            ("share of first tokens", "^prefix-hash$|^least-tokens$"),
            at_least=1.143,
            at_most=1.48,
            better="more",
            otherwise="fewer requests than the published, at their own rate",
        ),
        Target(("share of first tokens", "^least-ttft$"), at_least=0.85),
        Target(("most prompts of an instance",), of="value", at_most=1.5),
        Target(("another pair",), at_most=1),
    ),
)
