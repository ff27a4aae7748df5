"""``simulate_fleet``: requests through a fleet, event by event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scheduling.errors import InputError
from scheduling.models.requests.growth import Growth
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.programs import ProgramTable
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment
from scheduling.simulator.requests.engine import Engine
from scheduling.simulator.requests.policy import Router
from scheduling.simulator.requests.routers import RouterSetting, make_router
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.streams import stream


def simulate_fleet(
    deployment: Deployment,
    table: RequestTable | ProgramTable,
    *,
    router: str | Router = "least-requests",
    paths: Paths | None = None,
    growth: Growth | None = None,
    seed: int = 0,
    jumps: bool = True,
    timeline: bool = False,
    on_progress: Callable[[int, int, int], None] | None = None,
) -> FleetRun:
    """Run requests through a fleet until all are served.

    Parameters
    ----------
    deployment
        Groups of instances with their cost models and policies, and who serves whom.
    table
        The requests, in order of arrival; or programs, whose calls come when those before them have
        ended.
    router
        Which instance of a group gets a request: one of
        :data:`~scheduling.simulator.requests.routers.ROUTERS` or an object. Shares
        between groups are those of the deployment's flows.
    paths
        Streams of the prompts, where groups keep prefixes and the requests are no programs.
    growth
        Later parts of prompts that do not come whole; not for programs, or where prefixes are kept.
    seed
        Seed of the router's draws.
    jumps
        Pass over equal decode iterations in one event. The answer is the same without.
    timeline
        Note the use of KV memory over time in the instances' tallies.
    on_progress
        Called now and then with simulated nanoseconds, requests that have come, and requests that
        have ended or were rejected.

    Returns
    -------
    FleetRun
        Times of every request. A request larger than the memory of every instance that it may go to
        is rejected; all others are served.

    Raises
    ------
    InputError
        When a demand of the table has no flow, a cost model gives what is no time, or a router
        needs what there is not.
    PolicyError
        When a policy decides what cannot be, or lets requests wait for ever.
    UnsupportedError
        When there is no router of that name.

    Examples
    --------
    >>> import numpy as np
    >>> from scheduling.models.cost.protocol import Affine
    >>> from scheduling.simulator.requests.deployment import Deployment, Group
    >>> one = np.array([1]); nothing = np.array([0])
    >>> table = RequestTable(nothing, 100 * one, 11 * one, nothing, nothing)
    >>> fleet = Deployment((Group("all", Affine(base=0.01, per_token=0.0001), kv_tokens=1000),))
    >>> run = simulate_fleet(fleet, table)
    >>> run.ttft_seconds.tolist(), run.e2e_seconds.tolist()
    ([0.02], [0.121])
    """
    router = _router(router, table, paths, seed)
    requests, programs = _requests(table, paths, growth)
    return Engine(
        deployment,
        requests,
        router,
        jumps=jumps,
        timeline=timeline,
        programs=programs,
        paths=paths,
        growth=growth,
    ).run(on_progress)


def _router(
    router: str | Router, table: RequestTable | ProgramTable, paths: Paths | None, seed: int
) -> Router:
    """Make a router that is named."""
    if not isinstance(router, str):
        return router
    known = table.paths if isinstance(table, ProgramTable) and paths is None else paths
    return make_router(router, RouterSetting(stream(seed, "router"), known))


def _requests(
    table: RequestTable | ProgramTable, paths: Paths | None, growth: Growth | None
) -> tuple[RequestTable, ProgramTable | None]:
    """Return what comes, and the programs whose calls it is, after a look at what goes together."""
    programs = table if isinstance(table, ProgramTable) else None
    requests = table.requests if isinstance(table, ProgramTable) else table
    if paths is not None:
        requests = replace(requests, cached_tokens=np.zeros_like(requests.cached_tokens))
    if growth is not None:
        if programs is not None or paths is not None:
            expected = "requests by themselves, without kept prefixes"
            raise InputError.single("growth", "programs or prefixes", expected)
        growth.validate(requests)
    return requests, programs
