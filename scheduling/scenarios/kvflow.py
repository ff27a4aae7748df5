"""KVFlow (arXiv 2507.07400): keep the prefixes of the agents that run next.

A workflow runs ten agents one after the other, over and over; each has a fixed prompt, the same
every time. The steps until each runs again are known, so that dropping the one with the most is
Belady's rule: for agents of one size it is certified optimal, while dropping the least recently
used drops exactly what comes next. The same policy runs in the simulator with prompts of 4096 and
8192 tokens on an A10, whose host is behind 2 GB/s as published: it reloads what was dropped while
the call before runs. HiCache reloads it too, when the call has come; SGLang computes it again. The
lengths of what is new in each call and of answers are inferred.
"""

from __future__ import annotations

from typing import Any

from scheduling.models.caching.arrays import CachingArrays, compile_caching
from scheduling.models.caching.problem import CachedObject, CachingProblem
from scheduling.models.cost.catalogue import llm
from scheduling.scenarios.agent_fleets import Pressure, fleet, program_row, run_policies
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.simulator.requests.compare import Outcome
from scheduling.solvers.caching.policies import Key, Lru, Policy, replay

AGENTS = 10

_ROUNDS = 50
_KEPT = 6
_FIXED = (4096, 8192)
_HOST_BYTES = 2e9
"""Bytes a second from the host, as published of an A10G."""

_PUBLISHED = {
    4096: "1.28 times HiCache (mean)",
    8192: "1.48 times HiCache (mean), at best 1.83, and 2.91 times SGLang",
}
_WAYS: dict[str, tuple[str, bool | str | None]] = {
    "apc, computed again": ("apc", None),
    "apc, reloaded": ("apc", False),
    "kvflow": ("kvflow", "calls"),
}
"""Policies, and when what was dropped is copied back from the host; ``None``: without a host."""


class StepsAhead(Policy):
    """Drops the agent that runs again in the most steps, of a cycle."""

    name = "kvflow"
    summary = "policy: knows the cycle, drops what runs again last"

    def begin(self, arrays: CachingArrays) -> None:
        """Need nothing."""

    def value(self, item: int, time: int, access: int, since: int, uses: int) -> Key:
        """Return when it runs again, the later the less."""
        del item, access, since, uses
        return (-(time + AGENTS),)


def cycle(kept: int) -> CachingProblem:
    """State agents of one size in a fixed cycle, of whom some are kept."""
    return CachingProblem(
        capacity=kept,
        objects=tuple(CachedObject(id=f"a{agent}") for agent in range(AGENTS)),
        requests=tuple((f"a{step % AGENTS}",) for step in range(_ROUNDS * AGENTS)),
    )


def workflow(fixed: int) -> dict[str, Any]:
    """Return agents in a row, each with a fixed prompt of so many tokens, over and over."""
    fresh = {"kind": "uniform", "low": 64, "high": 256}
    return {
        "kind": "graph",
        "name": "pipeline",
        "arrivals": {"kind": "poisson", "rate": 1.0},
        "rounds": _ROUNDS,
        "steps": [
            {
                "agent": f"agent-{number}",
                "fixed_tokens": fixed,
                "fresh": fresh,
                "output": {"kind": "fixed", "tokens": 32},
                "after": [f"agent-{number - 1}"] if number else [],
            }
            for number in range(AGENTS)
        ],
    }


def run(limits: Run) -> list[Row]:
    """Replay the cycle beside the optimum, then run the workflow."""
    del limits
    problem = cycle(_KEPT)
    arrays = compile_caching(problem)
    lru, ahead = (arrays.cost(replay(arrays, policy)) for policy in (Lru(), StepsAhead()))
    answer = solve(problem, "belady", work_limit=1.0, workers=1)
    bound = float(answer.bound or 0)
    rows = [
        Row(
            case=f"{AGENTS} agents of one size, {_ROUNDS} rounds, {_KEPT} kept",
            measure="prefixes that are not there",
            baseline="lru",
            baseline_value=lru,
            method="kvflow",
            value=ahead,
            gap=1 - bound / ahead,
            published=None,
            verdict="optimal" if ahead == bound else "not optimal",
        )
    ]
    for fixed in _FIXED:
        found = {name: _ran(fixed, *way) for name, way in _WAYS.items()}
        case = f"one workflow of {AGENTS} agents, {fixed} fixed tokens each, memory for {_KEPT}"
        rows += [
            program_row(case, found, name, "kvflow", _PUBLISHED[fixed])
            for name in _WAYS
            if name != "kvflow"
        ]
    return rows


def _ran(fixed: int, policy: str, ahead: bool | str | None) -> list[Outcome]:
    replica: dict[str, Any] = {"gpu": "a10"}
    if ahead is not None:
        rate = _HOST_BYTES / llm("llama-3.1-8b").kv_bytes_per_token("fp16")
        tokens = 2 * AGENTS * fixed
        replica["host"] = {"tokens": tokens, "tokens_per_second": rate, "ahead": ahead}
    pressure = Pressure(_KEPT * fixed + fixed // 2, 1.0)
    scenario = fleet([workflow(fixed)], pressure, programs=1, replica=replica)
    return run_policies(scenario, (policy,), (1,))[policy]


SCENARIO = Scenario(
    name="kvflow",
    system="KVFlow: workflow-aware eviction of prefixes (arXiv 2507.07400)",
    problem="prefixes evicted by the steps of workflows",
    wants="nothing: workflows are drawn",
    run=run,
    targets=(
        Target(
            ("8192 fixed tokens", "reloaded"),
            at_least=1 / 1.83,
            at_most=1 / 1.48,
            better="less",
        ),
        Target(
            ("8192 fixed tokens", "computed again"),
            at_least=1 / 2.91,
            at_most=1 / 1.83,
            better="less",
        ),
        Target(("prefixes that are not there",), at_most=1 / 1.8),
        Target(("prefixes that are not there",), of="gap", at_most=0),
    ),
)
