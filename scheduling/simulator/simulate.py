"""``simulate``: policies side by side, on whatever kind of problem is revealed in time."""

from __future__ import annotations

from typing import Any, overload

from scheduling.models.base import Problem
from scheduling.models.requests.scenario import RequestScenario
from scheduling.simulator.requests.compare import Comparison, simulate_requests
from scheduling.simulator.schedule.simulate import Simulation, simulate_schedule


@overload
def simulate(problem: RequestScenario, policy: Any = None, **options: Any) -> Comparison: ...
@overload
def simulate(problem: Problem, policy: Any = None, **options: Any) -> Simulation: ...
def simulate(problem: Problem, policy: Any = None, **options: Any) -> Comparison | Simulation:
    """Run policies on a problem that is revealed in time.

    Parameters
    ----------
    problem
        An online schedule, a scheduling problem, or a scenario of requests.
    policy
        Policies by name or as objects, one or several; default: a few of the kind's.
    **options
        Those of :func:`~scheduling.simulator.schedule.simulate.simulate_schedule` or of
        :func:`~scheduling.simulator.requests.compare.simulate_requests`.

    Returns
    -------
    Simulation or Comparison
        Of schedules, each policy's schedule with its bound; of requests, each policy's latencies,
        goodput and memory.

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
    return simulate_schedule(problem, **options)
