"""Routers by name, with what they need to know of a scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scheduling.errors import InputError, UnsupportedError
from scheduling.models.requests.paths import Paths
from scheduling.simulator.requests.policies.dualmap import DualMap, LeastTtft, PrefixHash
from scheduling.simulator.requests.policies.forwarding import OnDemand, ReportedTokens
from scheduling.simulator.requests.policies.llumnix import Freeness, Llumnix
from scheduling.simulator.requests.policies.routing import (
    LeastRequests,
    LeastTokens,
    Random,
    RoundRobin,
    WithAdapter,
)
from scheduling.simulator.requests.policies.scaling import Autoscaled
from scheduling.simulator.requests.policy import Router
from scheduling.simulator.requests.strategy import Limits, number_behind, whole

_REPORT_SECONDS = 0.1
_CONCURRENCY = 20
_COLD_SECONDS = 10.0
_SECONDS: Limits = (1e-6, 1e6, "seconds")
_WEIGHT: Limits = (0.0, 1e6, "requests")
_REQUESTS: Limits = (1.0, 1e6, "whole requests")


@dataclass(frozen=True, slots=True)
class RouterSetting:
    """What routers are made for.

    Parameters
    ----------
    generator
        Source of their draws.
    paths
        What the prompts consist of, where that is known.
    ttft_seconds
        Limit of the first token, where there is one; of several classes the least.
    """

    generator: np.random.Generator
    paths: Paths | None = None
    ttft_seconds: float | None = None


def _prompts(setting: RouterSetting) -> Paths:
    if setting.paths is None:
        expected = "programs, or a trace with blocks of prompts"
        raise InputError.single("router", "requests without prefixes", expected)
    return setting.paths


def _limit(setting: RouterSetting, value: float | None) -> float:
    found = setting.ttft_seconds if value is None else value
    if found is None:
        expected = "slo.ttft_seconds, or seconds behind the colon of the router"
        raise InputError.single("router", "no limit of the first token", expected)
    return found


Maker = Callable[[RouterSetting, float | None], Router]

_MAKERS: dict[str, tuple[Maker, Limits | None]] = {
    "least-requests": (lambda _, __: LeastRequests(), None),
    "least-tokens": (lambda _, __: LeastTokens(), None),
    "round-robin": (lambda _, __: RoundRobin(), None),
    "random": (lambda setting, _: Random(setting.generator), None),
    "freeness": (lambda _, __: Freeness(), None),
    "llumnix": (lambda _, __: Llumnix(), None),
    "queue-report": (lambda _, value: ReportedTokens(value or _REPORT_SECONDS), _SECONDS),
    "on-demand": (lambda setting, value: OnDemand(_limit(setting, value)), _SECONDS),
    "least-ttft": (lambda setting, _: LeastTtft(_prompts(setting)), None),
    "prefix-hash": (lambda setting, _: PrefixHash(_prompts(setting)), None),
    "dualmap": (
        lambda setting, value: DualMap(_prompts(setting), _limit(setting, value)),
        _SECONDS,
    ),
    "autoscaled": (
        lambda _, value: Autoscaled(whole(value, _CONCURRENCY), _COLD_SECONDS),
        _REQUESTS,
    ),
    "adapters": (lambda _, value: WithAdapter(4.0 if value is None else value), _WEIGHT),
}

ROUTERS = tuple(_MAKERS)
"""Names of all routers. Behind a colon may stand the seconds between two reports of
``queue-report`` (0.1), the limit of the first token of ``on-demand`` and ``dualmap`` (that of the
scenario), the requests that an instance of ``autoscaled`` takes at a time (20), and those that
loading an adapter counts for with ``adapters`` (4)."""


def make_router(name: str, setting: RouterSetting) -> Router:
    """Make a router.

    Parameters
    ----------
    name
        One of :data:`ROUTERS`, with its number behind a colon if there is one.
    setting
        What it is made for.

    Raises
    ------
    UnsupportedError
        When there is no such router.
    InputError
        When its number is none or out of range, or it needs a limit of the first token or streams
        of prompts that nothing states.
    """
    base, colon, text = name.partition(":")
    if base not in _MAKERS:
        raise UnsupportedError.unknown("router", name, ROUTERS)
    make, limits = _MAKERS[base]
    return make(setting, number_behind("router", name, text, limits) if colon else None)
