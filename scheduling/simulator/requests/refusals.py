"""Errors of routers that decide what cannot be; those of instances are built by their turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduling.errors import PolicyError
from scheduling.simulator.requests.clock import NS_PER_SECOND

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.policy import Policy


def elsewhere(router: Policy, request: Live, instance: Instance, now: int) -> PolicyError:
    """Build the error of a request that is sent where it may not go."""
    return impossible(router, request.row, f"sent to {instance.name}, where it may not go", now)


def forgotten(router: Policy, rows: Sequence[int], now: int) -> PolicyError:
    """Build the error of requests, at least one, that are held back for ever."""
    others = f", and so do {len(rows) - 1} others" if len(rows) > 1 else ""
    return impossible(router, rows[0], f"it waits for ever{others}", now)


def impossible(policy: Policy, row: int, what: str, now: int) -> PolicyError:
    """Build the error of a decision about the request of a row that cannot be."""
    return PolicyError(f"{policy.name} at {now / NS_PER_SECOND:.6f} s, request {row}: {what}")
