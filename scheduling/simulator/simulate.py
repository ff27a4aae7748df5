"""``simulate``: policies side by side, on whatever kind of problem is revealed in time."""

from __future__ import annotations

from typing import Any, overload

from scheduling.models.base import Problem
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.sharing.problem import SharedCluster
from scheduling.simulator.requests.compare import Comparison, simulate_requests
from scheduling.simulator.schedule.simulate import Simulation, simulate_schedule
from scheduling.simulator.sharing.simulate import SharingComparison, simulate_sharing


@overload
def simulate(problem: RequestScenario, policy: Any = None, **options: Any) -> Comparison: ...
@overload
def simulate(problem: SharedCluster, policy: Any = None, **options: Any) -> SharingComparison: ...
@overload
def simulate(problem: Problem, policy: Any = None, **options: Any) -> Simulation: ...
def simulate(
    problem: Problem, policy: Any = None, **options: Any
) -> Comparison | SharingComparison | Simulation:
    """Run policies on a problem that is revealed in time.

    Parameters
    ----------
    problem
        An online schedule, a scheduling problem, a scenario of requests, or a shared cluster.
    policy
        Policies by name or as objects, one or several; default: a few of the kind's.
    **options
        Those of :func:`~scheduling.simulator.schedule.simulate.simulate_schedule`, of
        :func:`~scheduling.simulator.requests.compare.simulate_requests` or of
        :func:`~scheduling.simulator.sharing.simulate.simulate_sharing`.

    Returns
    -------
    Simulation, Comparison or SharingComparison
        Of schedules, each policy's schedule with its bound; of requests, each policy's latencies,
        goodput and memory; of shared clusters, each policy's response times with its bound.

    Raises
    ------
    InputError
        When the problem is of another kind or its input is bad.
    UnsupportedError
        When there is no such policy.
    PolicyError
        When a policy does what cannot be, or waits for ever.
    """
    if policy is not None:
        options["policy"] = policy
    if isinstance(problem, RequestScenario):
        return simulate_requests(problem, **options)
    if isinstance(problem, SharedCluster):
        return simulate_sharing(problem, **options)
    return simulate_schedule(problem, **options)
