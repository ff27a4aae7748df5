"""Programs of agents on replicas: what the scenarios of agent schedulers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.models.requests.scenario import RequestScenario
from scheduling.scenarios.scenario import Row
from scheduling.simulator.requests.compare import Outcome, simulate_requests

CODER: dict[str, Any] = {
    "kind": "turns",
    "name": "coder",
    "arrivals": {"kind": "poisson", "rate": 0.5},
    "turns": {"kind": "lognormal", "median": 10.2, "sigma": 0.36, "at_most": 60},
    "system_tokens": 1500,
    "first": {"kind": "lognormal", "median": 2000, "sigma": 0.5, "at_most": 12_000},
    "result": {"kind": "lognormal", "median": 600, "sigma": 1.0, "at_most": 6000},
    "output": {"kind": "lognormal", "median": 150, "sigma": 0.6, "at_most": 1000},
    "tools": [
        {"name": "edit", "share": 2, "median_seconds": 0.05, "sigma": 0.5},
        {"name": "bash", "share": 2, "median_seconds": 0.45, "sigma": 1.0, "at_most_seconds": 30},
        {"name": "test", "share": 1, "median_seconds": 1.8, "sigma": 1.0, "at_most_seconds": 60},
    ],
}
"""Coding agents with the published means of SWE-bench runs: 10.9 turns, tools of 0.9 s."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """How tight memory is: tokens of KV memory of a replica, and programs a second."""

    kv_tokens: int
    rate: float


def fleet(
    classes: Sequence[dict[str, Any]],
    pressure: Pressure,
    *,
    programs: int = 120,
    replicas: int = 1,
    limits: dict[str, float] | None = None,
    replica: dict[str, Any] | None = None,
) -> RequestScenario:
    """Return programs that come to replicas of Llama-3.1-8B, on A100 GPUs unless said otherwise."""
    document: dict[str, Any] = {
        "replica": {
            "model": "llama-3.1-8b",
            "gpu": "a100-80gb",
            "kv_tokens": pressure.kv_tokens,
        }
        | (replica or {}),
        "replicas": replicas,
        "programs": {"classes": list(classes)},
        "requests": programs,
        "rate": pressure.rate,
    }
    return RequestScenario.model_validate(document | ({"slo": limits} if limits else {}))


def run_policies(
    scenario: RequestScenario, policies: Sequence[str], seeds: Sequence[int]
) -> dict[str, list[Outcome]]:
    """Run every policy on the same programs, seed by seed."""
    found: dict[str, list[Outcome]] = {name: [] for name in policies}
    for seed in seeds:
        for one in simulate_requests(scenario, list(policies), seed=seed).outcomes:
            found[one.strategy.name].append(one)
    return found


def mean_seconds(outcomes: Sequence[Outcome]) -> float:
    """Return the mean completion time of programs over all runs."""
    means = [
        one.programs.mean.value
        for one in outcomes
        if one.programs is not None and one.programs.mean is not None
    ]
    return sum(means) / len(means)


def mean_bound(outcomes: Sequence[Outcome]) -> float | None:
    """Return the mean of the bounds over all runs; ``None`` where one is not known."""
    bounds = [None if one.programs is None else one.programs.bound for one in outcomes]
    known = [bound for bound in bounds if bound is not None]
    return sum(known) / len(known) if len(known) == len(bounds) else None


def program_row(
    case: str,
    found: dict[str, list[Outcome]],
    baseline: str,
    method: str,
    published: str | None,
) -> Row:
    """Return the row of one policy beside another: mean completion times of programs."""
    before, after = mean_seconds(found[baseline]), mean_seconds(found[method])
    bound = mean_bound(found[method])
    return Row(
        case=case,
        measure="mean seconds of a program",
        baseline=baseline,
        baseline_value=before,
        method=method,
        value=after,
        gap=None if bound is None else 1 - bound / after,
        published=published,
        verdict=f"{before / after:.2f} times faster",
    )
