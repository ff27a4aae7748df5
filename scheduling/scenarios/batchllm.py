"""BatchLLM: a whole batch whose prompts share prefixes, in groups or as it comes.

BatchLLM (arXiv 2412.03594) knows all prompts of an offline batch, brings many levels of sharing
down to one by dynamic programming, and runs the members of a group one after the other, so that a
prefix is computed once and can be forgotten. Its micro-benchmark is generated, on a scale of its
own: groups of 16 prompts with 2000 tokens in common, 200 of their own and 100 of an answer. As the
prompts come, shuffled, prefixes are dropped before they are used again where the cache is small.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.prefix_groups import prefix_groups, saved_tokens
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.strategy import Setting
from scheduling.simulator.requests.streams import stream

_GROUPS, _DEGREE = 60, 16
_COMMON, _OWN, _ANSWER = 2000, 200, 100
_KV_TOKENS = 60_000
_POLICIES = ("sarathi:2048", "apc", "batchllm")
_PUBLISHED = "1.3 to 10.8 times as fast as vLLM and SGLang with prefix caches"


def benchmark(seed: int) -> tuple[RequestTable, Paths]:
    """Return the micro-benchmark, all at once and shuffled, and what its prompts consist of."""
    count = _GROUPS * _DEGREE
    which = stream(seed, "batchllm").permutation(np.repeat(np.arange(_GROUPS), _DEGREE))
    length = _COMMON + _OWN
    prompts = [[(int(which[row]), _COMMON), (_GROUPS + row, length)] for row in range(count)]
    zeros = np.zeros(count, np.int64)
    return RequestTable(zeros, zeros + length, zeros + _ANSWER, zeros, zeros), Paths.of(prompts)


def served(name: str, table: RequestTable, paths: Paths) -> tuple[FleetRun, float | None]:
    """Run the batch under a policy; the gap is to an endless cache that takes no room."""
    cost = replica_cost(llm("llama-3.1-8b"), gpu("a100-80gb-sxm"), Layout(), Precision())
    longest = _COMMON + _OWN + _ANSWER
    chosen = strategy(name, Setting(table, cost, (None,), longest, _ANSWER, paths=paths))
    group = Group(
        "server",
        cost,
        _KV_TOKENS,
        composition=chosen.composition,
        admission=chosen.admission,
        eviction=chosen.eviction,
        order=chosen.order,
        retention=chosen.retention,
    )
    keeps = chosen.retention is not None
    run = simulate_fleet(Deployment((group,)), table, paths=paths if keeps else None)
    cached = np.full(len(table), _COMMON)
    for one in prefix_groups(paths, len(table)):
        cached[one.rows[0]] = 0
    endless = replace(table, cached_tokens=cached)
    shared = int((table.prompt_tokens + table.output_tokens).sum())
    found = Certifier((group,), {}, shared_tokens=shared).certify(replace(run, table=endless))
    return run, next((one.gap for one in found if one.objective == "makespan"), None)


def run(limits: Run) -> list[Row]:
    """Count what groups save, and run the batch with and without them."""
    del limits
    table, paths = benchmark(seed=0)
    total = int(table.prompt_tokens.sum())
    runs = {name: served(name, table, paths) for name in _POLICIES}
    computed = {name: one.instances[0].tally.new_tokens for name, (one, _) in runs.items()}
    best = saved_tokens(prefix_groups(paths, len(table))) / total
    base, *others = _POLICIES
    lru = 1 - computed["apc"] / total
    found = 1 - computed["batchllm"] / total
    case = f"{len(table)} prompts in {_GROUPS} groups, {_KV_TOKENS} tokens of cache"
    saving = Row(
        case=case,
        measure="share of prompt tokens that need no computing",
        baseline="apc, as they come",
        baseline_value=lru,
        method="batchllm",
        value=found,
        gap=1 - found / best,
        published="58.1 % against 35.8 % of vLLM's cache, on its own data",
        verdict=f"{best:.1%} is the most, by formula",
    )
    return [saving, *(_time_row(case, base, name, runs) for name in others)]


def _time_row(
    case: str, base: str, name: str, runs: dict[str, tuple[FleetRun, float | None]]
) -> Row:
    seconds = {each: one.makespan_seconds for each, (one, _) in runs.items()}
    return Row(
        case=case,
        measure="seconds until all are served",
        baseline=base,
        baseline_value=seconds[base],
        method=name,
        value=seconds[name],
        gap=runs[name][1],
        published=_PUBLISHED if name == "batchllm" else None,
        verdict=f"{seconds[base] / seconds[name]:.2f} times as fast",
    )


SCENARIO = Scenario(
    name="batchllm",
    system="BatchLLM: batches with common prefixes (arXiv 2412.03594)",
    problem="order of prompts with common prefixes",
    wants="nothing: the paper's micro-benchmark on a scale of its own",
    run=run,
    targets=(
        Target(("need no computing",), at_least=58.1 / 35.8),
        Target(("seconds until", "^batchllm$"), at_least=1 / 10.8, at_most=1 / 1.3, better="less"),
    ),
)
