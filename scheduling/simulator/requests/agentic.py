"""Strategies that keep prefixes between requests, for agents and conversations."""

from __future__ import annotations

from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.policies.continuum import Continuum
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policies.saga import Homes, WorkflowAware
from scheduling.simulator.requests.policies.thunderagent import ThunderAgent
from scheduling.simulator.requests.strategy import (
    TOKENS,
    Limits,
    Maker,
    Setting,
    Strategy,
    whole,
)
from scheduling.simulator.requests.streams import stream

_BUDGET = 2048
_DEADLINE = 600.0
"""Seconds of a program under SAGA where the scenario states no limit."""


def _apc(setting: Setting, value: float | None) -> Strategy:
    del setting
    summary = "sarathi that keeps prefixes, least recently used dropped first"
    return Strategy("apc", summary, Sarathi(whole(value, _BUDGET)), retention=LeastRecent())


def _continuum_paper(setting: Setting, value: float | None) -> Strategy:
    summary = "apc that holds prefixes while tools run, as long as past durations make it worth"
    retention = Continuum(setting.cost, name="continuum-paper")
    return Strategy("continuum-paper", summary, Sarathi(whole(value, _BUDGET)), retention=retention)


def _continuum_public(setting: Setting, value: float | None) -> Strategy:
    summary = "apc that holds prefixes for 2 s, programs first come, first served"
    retention = Continuum(setting.cost, 2.0, name="continuum-public", provenance="code")
    return Strategy(
        "continuum-public", summary, Sarathi(whole(value, _BUDGET)), retention=retention
    )


def _saga(setting: Setting, value: float | None) -> Strategy:
    summary = "apc that drops by age, chance of reuse and size; idle replicas steal"
    deadlines = [limit for limit in setting.e2e_seconds if limit is not None] or [_DEADLINE]
    return Strategy(
        "saga",
        summary,
        Sarathi(whole(value, _BUDGET)),
        retention=WorkflowAware(min(deadlines)),
        router=lambda: Homes(stream(setting.seed, "homes")),
    )


def _thunderagent(setting: Setting, value: float | None) -> Strategy:
    del setting
    summary = "apc that pauses programs every 5 s so that the contexts of all others fit"
    return Strategy(
        "thunderagent",
        summary,
        Sarathi(whole(value, _BUDGET)),
        retention=LeastRecent(),
        router=ThunderAgent,
    )


AGENTIC: dict[str, tuple[Maker, Limits | None]] = {
    "apc": (_apc, TOKENS),
    "continuum-paper": (_continuum_paper, TOKENS),
    "continuum-public": (_continuum_public, TOKENS),
    "saga": (_saga, TOKENS),
    "thunderagent": (_thunderagent, TOKENS),
}
"""Makers by name. The number of each is the token budget of an iteration (2048)."""
