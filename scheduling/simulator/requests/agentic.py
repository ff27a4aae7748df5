"""Strategies that keep prefixes between requests, for agents and conversations."""

from __future__ import annotations

from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.strategy import (
    TOKENS,
    Limits,
    Maker,
    Setting,
    Strategy,
    whole,
)

_BUDGET = 2048


def _apc(setting: Setting, value: float | None) -> Strategy:
    del setting
    summary = "sarathi that keeps prefixes, least recently used dropped first"
    return Strategy("apc", summary, Sarathi(whole(value, _BUDGET)), retention=LeastRecent())


AGENTIC: dict[str, tuple[Maker, Limits | None]] = {
    "apc": (_apc, TOKENS),
}
"""Makers by name. The number of each is the token budget of an iteration (2048)."""
