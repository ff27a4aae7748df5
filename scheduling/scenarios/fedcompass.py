"""FedCompass: clients of different speeds whose models arrive in groups.

Speeds differ by up to eight times. Equal steps make the fast clients wait for the slow ones; the
compass gives each as many steps as fit before its group is expected. The bound is the least time
between the first and the last model that any steps of the same clients allow.
"""

from __future__ import annotations

from statistics import fmean

import numpy as np

from scheduling.models.federated.problem import FederatedProblem, least_spread
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.federated.compass import Compass

_CLIENTS = 20
_STEPS = 20, 100
_FASTEST, _SLOWEST = 0.1, 0.8
_ROUNDS = 40
_NOISES = 0.0, 0.1


def clients(noise: float, seed: int = 0) -> FederatedProblem:
    """Draw clients with speeds spread evenly over the logarithm.

    Parameters
    ----------
    noise
        Of the speed from round to round.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    speeds = np.exp(rng.uniform(np.log(_FASTEST), np.log(_SLOWEST), _CLIENTS)).tolist()
    entries = [
        {"id": f"client {k}", "seconds_per_step": speed, "noise": noise}
        for k, speed in enumerate(speeds)
    ]
    return FederatedProblem.model_validate(
        {"min_steps": _STEPS[0], "max_steps": _STEPS[1], "clients": entries}
    )


def run(limits: Run) -> list[Row]:  # noqa: ARG001 - takes a moment
    """Compare the spread of arrivals with that of equal steps."""
    rows: list[Row] = []
    for noise in _NOISES:
        problem = clients(noise)
        speeds = [client.seconds_per_step for client in problem.clients]
        equal = problem.max_steps * (max(speeds) - min(speeds))
        compass = Compass(problem)
        groups = compass.run(_ROUNDS)
        spread = fmean(group.spread for group in groups)
        least = fmean(
            least_spread([speeds[k] for k in group.steps], *_STEPS)[0] for group in groups
        )
        rows.append(
            Row(
                case=f"{_CLIENTS} clients, a step in {_FASTEST:g} to {_SLOWEST:g} s, "
                f"noise {noise:g}",
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
    targets=(Target(("between first and last",), at_most=1),),
)
