"""DEMS and GEMS: inference of drones on edge and cloud, with certified utility.

Streams of the paper's six models with its constants, at two, four and six models a batch. Edge and
cloud by earliest deadline is the baseline; what the paper's policies earn stands against a
bound of the offline problem. Stealing needs runs on the edge that end before they are expected
to, since what the edge does not take at its expected load it cannot take later; a row has those.
"""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.instances.edge.drone_streams import drone_stream
from scheduling.models.edge.problem import EdgeCloud
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.edge.simulate import simulate_edge

_SIZES = ((3, 2), (2, 4), (2, 6))
"""Drones and models a batch."""

_BATCHES = 10
_SEEDS = 2
_WORK = 0.2
_POLICIES = ("e+c", "dem", "gems")
_EARLY = 0.5
_NOISE = 0.4
_PUBLISHED = "88 % of tasks in time, 2.7 x the utility of baselines (arXiv 2412.20860)"


def run(limits: Run) -> list[Row]:
    """Run the policies on each size."""
    rows: list[Row] = []
    for drones, models in _SIZES:
        streams = [_stream(drones, models, seed) for seed in range(_SEEDS)]
        case = f"{drones} drones, {models} models a batch"
        rows += _rows(case, streams, _POLICIES, limits)
    early = [_stream(1, 6, seed, early=_EARLY) for seed in range(1, _SEEDS + 1)]
    case = f"1 drone, 6 models a batch, edge up to {_EARLY:.0%} early"
    rows += _rows(case, early, ("e+c", "dem", "dems"), limits)
    slow = [_stream(2, 4, seed, noise=_NOISE) for seed in range(_SEEDS)]
    rows += _rows("2 drones, 4 models a batch, cloud varies", slow, ("dems", "dems-a"), limits)
    return rows


def _stream(
    drones: int, models: int, seed: int, *, early: float = 0.0, noise: float = 0.0
) -> EdgeCloud:
    return drone_stream(
        drones=drones, batches=_BATCHES, models=models, early=early, noise=noise, seed=seed
    )


def _rows(
    case: str, streams: Sequence[EdgeCloud], policies: Sequence[str], limits: Run
) -> list[Row]:
    found = [
        simulate_edge(stream, policies, work_limit=_WORK, workers=1)
        for stream in limits.each(streams)
    ]
    bound = sum(entry.bound or 0 for entry in found)
    totals = [sum(entry.runs[k].utility for entry in found) for k in range(len(policies))]
    tasks = sum(len(entry.problem.tasks) for entry in found)
    rows = []
    for k, policy in enumerate(policies):
        runs = [entry.runs[k] for entry in found]
        done = sum(one.on_edge + one.in_cloud for one in runs)
        stolen = sum(one.stolen for one in runs)
        rows.append(
            Row(
                case=f"{case}; {len(found)} of {len(streams)} streams",
                measure="utility",
                baseline=policies[0],
                baseline_value=float(totals[0]),
                method=policy,
                value=float(totals[k]),
                gap=1.0 - totals[k] / bound if bound else None,
                published=_PUBLISHED,
                verdict=f"{done / tasks:.0%} in time, {stolen} stolen",
            )
        )
    return rows


SCENARIO = Scenario(
    name="dems",
    system="DEMS, DEMS-A and GEMS: drone inference on edge and cloud (arXiv 2412.20860)",
    problem="drone inference with deadlines on edge and cloud",
    wants="nothing: streams with the published constants",
    run=run,
    targets=(
        Target(("^utility$", "^dem$|^gems$|^dems$"), at_least=1, at_most=2.7, better="more"),
        Target(("^utility$", "^dems-a$"), at_least=1),
        Target(("^[23] drones, . models a batch", "^dem$"), of="gap", at_most=0.14),
    ),
)
