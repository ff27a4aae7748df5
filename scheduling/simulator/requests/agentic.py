"""Strategies that keep prefixes between requests, for agents and conversations."""

from __future__ import annotations

from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.policies.continuum import Continuum
from scheduling.simulator.requests.policies.hexgen import Scores, Stages, Urgency
from scheduling.simulator.requests.policies.kvflow import StepsToExecution
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policies.saga import Homes, WorkflowAware
from scheduling.simulator.requests.policies.thunderagent import ThunderAgent
from scheduling.simulator.requests.strategy import (
    SHARE,
    TOKENS,
    Limits,
    Maker,
    Setting,
    Strategy,
    whole,
)
from scheduling.simulator.requests.streams import stream

_BUDGET = 2048
_WEIGHT = 0.2
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


def _kvflow(setting: Setting, value: float | None) -> Strategy:
    del setting
    summary = "apc that drops what is used in the most steps, by the workflows' graphs"
    return Strategy("kvflow", summary, Sarathi(whole(value, _BUDGET)), retention=StepsToExecution())


def _hexgen(setting: Setting, value: float | None) -> Strategy:
    limits = [limit for limit in setting.e2e_seconds if limit is not None] or [_DEADLINE]
    stages = Stages([setting.cost])
    order = Urgency(stages, min(limits))
    weight = _WEIGHT if value is None else value
    return Strategy(
        "hexgen-sql",
        "apc, most urgent stage first, on the instance of best speed and least work",
        Sarathi(_BUDGET),
        order=order,
        retention=LeastRecent(),
        router=lambda: Scores(stages, weight, order),
    )


AGENTIC: dict[str, tuple[Maker, Limits | None]] = {
    "apc": (_apc, TOKENS),
    "continuum-paper": (_continuum_paper, TOKENS),
    "continuum-public": (_continuum_public, TOKENS),
    "saga": (_saga, TOKENS),
    "thunderagent": (_thunderagent, TOKENS),
    "kvflow": (_kvflow, TOKENS),
    "hexgen-sql": (_hexgen, SHARE),
}
"""Makers by name. The number of each is the token budget of an iteration (2048); of ``hexgen-sql``
the weight of speed (0.2)."""
