"""Strategies of published systems that decide what an instance batches."""

from __future__ import annotations

from scheduling.simulator.requests.policies.flowprefill import OPERATORS, FlowPrefill
from scheduling.simulator.requests.policies.ordering import (
    EarliestDeadline,
    ShortestRemaining,
    SlackDeadline,
)
from scheduling.simulator.requests.policy import Ranking
from scheduling.simulator.requests.strategy import Limits, Maker, Setting, Strategy, whole

_OPERATORS: Limits = (1.0, 1e6, "whole operators of a pass")


def _flowprefill(setting: Setting, value: float | None) -> Strategy:
    order = SlackDeadline(setting.ttft_seconds, setting.cost, provenance="paper")
    summary = "prompts give way between operators to the earliest deadline that can be kept"
    return _preempting(setting, value, order, summary)


def _preemptive_edf(setting: Setting, value: float | None) -> Strategy:
    order = EarliestDeadline(setting.ttft_seconds)
    summary = "prompts give way between operators to earlier deadlines"
    return _preempting(setting, value, order, summary)


def _preemptive_srpt(setting: Setting, value: float | None) -> Strategy:
    summary = "prompts give way between operators to those that take less"
    return _preempting(setting, value, ShortestRemaining(setting.cost), summary)


def _preempting(setting: Setting, value: float | None, order: Ranking, summary: str) -> Strategy:
    policy = FlowPrefill(order, setting.ttft_seconds, whole(value, OPERATORS))
    return Strategy(policy.name, summary, policy, order=order)


BATCHING: dict[str, tuple[Maker, Limits | None]] = {
    "flowprefill": (_flowprefill, _OPERATORS),
    "preemptive-edf": (_preemptive_edf, _OPERATORS),
    "preemptive-srpt": (_preemptive_srpt, _OPERATORS),
}
"""Makers by name: behind the colon of the first three stands how many operators a pass has."""
