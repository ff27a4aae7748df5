"""FedCompass: clients of different speeds whose models arrive in groups.

Speeds differ by up to eight times. Equal steps make the fast clients wait for the slow ones; the
compass gives each as many steps as fit before its group is expected. The bound is the least time
between the first and the last model that any steps of the same clients allow.
"""

from __future__ import annotations

from collections.abc import Collection
from statistics import fmean

from scheduling.instances.federated.random_clients import federated_clients
from scheduling.models.federated.problem import FederatedProblem
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.simulator.federated.compass import Compass

_CLIENTS = 20
_ROUNDS = 40
_NOISES = 0.0, 0.1


def least_spread(problem: FederatedProblem, clients: Collection[int]) -> float:
    """Return the least spread of some clients' arrivals when they start together."""
    entries = tuple(problem.clients[k] for k in sorted(clients))
    return float(solve(problem.model_copy(update={"clients": entries}), "sweep").objective)


def run(limits: Run) -> list[Row]:  # noqa: ARG001 - takes a moment
    """Compare the spread of arrivals with that of equal steps."""
    rows: list[Row] = []
    for noise in _NOISES:
        problem = federated_clients(clients=_CLIENTS, noise=noise)
        speeds = [client.seconds_per_step for client in problem.clients]
        equal = problem.max_steps * (max(speeds) - min(speeds))
        compass = Compass(problem)
        groups = compass.run(_ROUNDS)
        spread = fmean(group.spread for group in groups)
        least = fmean(least_spread(problem, group.steps) for group in groups)
        rows.append(
            Row(
                case=f"{_CLIENTS} clients, a step in 0.1 to 0.8 s, noise {noise:g}",
                measure="s between first and last model of a group",
                baseline="equal steps, all in one group",
                baseline_value=equal,
                method=f"FedCompass, mean of {_ROUNDS} aggregations",
                value=spread,
                gap=1.0 - least / spread if spread > 0 and noise == 0 else None,
                published="faster convergence than asynchronous baselines (arXiv 2309.14675)",
                verdict=f"a step of the slowest takes {max(speeds):.2f} s; {compass.late} late",
            )
        )
    return rows


SCENARIO = Scenario(
    name="fedcompass",
    system="FedCompass: federated learning with arrival groups (arXiv 2309.14675)",
    problem="local steps of clients, least spread of arrivals",
    wants="nothing: clients of random speeds",
    run=run,
    targets=(
        Target(("between first and last",), at_most=1),
        Target(("noise 0$",), of="value", at_most=0.8),
    ),
)
