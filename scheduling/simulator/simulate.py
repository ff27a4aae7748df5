"""``simulate``: policies side by side, on whatever kind of problem is revealed in time."""

from __future__ import annotations

from typing import Any, overload

from scheduling.models.base import Problem, require_problem
from scheduling.models.checkpoint.problem import CheckpointProblem
from scheduling.models.edge.problem import EdgeCloud
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.sharing.problem import SharedCluster
from scheduling.simulator.checkpoint.simulate import CheckpointComparison, simulate_training
from scheduling.simulator.edge.simulate import EdgeComparison, simulate_edge
from scheduling.simulator.requests.compare import Comparison, simulate_requests
from scheduling.simulator.schedule.simulate import Simulation, simulate_schedule
from scheduling.simulator.sharing.simulate import SharingComparison, simulate_sharing


@overload
def simulate(problem: RequestScenario, policy: Any = None, **options: Any) -> Comparison: ...
@overload
def simulate(problem: SharedCluster, policy: Any = None, **options: Any) -> SharingComparison: ...
@overload
def simulate(problem: EdgeCloud, policy: Any = None, **options: Any) -> EdgeComparison: ...
@overload
def simulate(
    problem: CheckpointProblem, policy: Any = None, **options: Any
) -> CheckpointComparison: ...
@overload
def simulate(problem: Problem, policy: Any = None, **options: Any) -> Simulation: ...
def simulate(
    problem: Problem, policy: Any = None, **options: Any
) -> Comparison | SharingComparison | EdgeComparison | CheckpointComparison | Simulation:
    """Run policies on a problem that is revealed in time.

    Parameters
    ----------
    problem
        An online schedule, a scheduling problem, a scenario of requests, a shared cluster, tasks
        for edge and cloud, or checkpoints of a training run.
    policy
        Policies by name or as objects, one or several; default: a few of the kind's.
    **options
        Those of :func:`~scheduling.simulator.schedule.simulate.simulate_schedule`, of
        :func:`~scheduling.simulator.requests.compare.simulate_requests`, of
        :func:`~scheduling.simulator.sharing.simulate.simulate_sharing`, of
        :func:`~scheduling.simulator.edge.simulate.simulate_edge` or of
        :func:`~scheduling.simulator.checkpoint.simulate.simulate_training`.

    Returns
    -------
    Simulation, Comparison, SharingComparison, EdgeComparison or CheckpointComparison
        Of schedules, each policy's schedule with its bound; of requests, each policy's latencies,
        goodput and memory; of shared clusters, each policy's response times with its bound;
        of edge and cloud, each policy's utility with its bound; of checkpoints, each plan's waste
        with the least that there is.

    Raises
    ------
    InputError
        When the problem is of another kind or its input is bad.
    UnsupportedError
        When there is no such policy.
    PolicyError
        When a policy does what cannot be, or waits for ever.
    """
    require_problem(problem)
    if policy is not None:
        options["policy"] = policy
    if isinstance(problem, RequestScenario):
        return simulate_requests(problem, **options)
    if isinstance(problem, SharedCluster):
        return simulate_sharing(problem, **options)
    if isinstance(problem, EdgeCloud):
        return simulate_edge(problem, **options)
    if isinstance(problem, CheckpointProblem):
        return simulate_training(problem, **options)
    return simulate_schedule(problem, **options)
