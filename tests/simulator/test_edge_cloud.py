"""Edge and cloud: rules of the policies, certified utility, the preemptive bound, files."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, PolicyError
from scheduling.instances.edge.drone_streams import drone_stream
from scheduling.models.edge.offline import most_utility, offline
from scheduling.models.edge.problem import EdgeCloud, EdgeModel, EdgeTask, Item
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.simulator.edge.policies import EdgeAlone
from scheduling.simulator.edge.registry import POLICIES, policy
from scheduling.simulator.edge.simulate import EdgeRun, simulate_edge
from scheduling.simulator.edge.world import World
from scheduling.solvers.edge.preemptive import preemptive_bound
from tests.cli.conftest import Cli, cli
from tests.properties import examples

__all__ = ["cli"]


def _model(name: str, benefit: int, edge: int, cloud: int, deadline: int) -> EdgeModel:
    return EdgeModel(
        id=name,
        benefit=benefit,
        edge_cost=1,
        cloud_cost=30,
        edge_ms=edge,
        cloud_ms=cloud,
        deadline_ms=deadline,
    )


@st.composite
def streams(draw: st.DrawFn, truthful: bool = False) -> EdgeCloud:
    models = tuple(
        _model(
            f"m{k}",
            draw(st.integers(10, 100)),
            draw(st.integers(1, 6)),
            draw(st.integers(2, 12)),
            draw(st.integers(4, 14)),
        )
        for k in range(2)
    )
    tasks = tuple(
        EdgeTask(
            id=f"t{k}",
            model=f"m{draw(st.integers(0, 1))}",
            arrival_ms=draw(st.integers(0, 8)),
            edge_ms=None if truthful else draw(st.sampled_from([None, 1, 3, 7])),
            cloud_ms=None if truthful else draw(st.sampled_from([None, 2, 9, 15])),
        )
        for k in range(draw(st.integers(1, 6)))
    )
    return EdgeCloud(models=models, tasks=tasks)


def _optimum(problem: EdgeCloud) -> int:
    """Try every choice of places, and every order on the edge."""
    items = problem.items()
    best = 0
    for places in product(range(3), repeat=len(items)):
        edge = [item for item, place in zip(items, places, strict=True) if place == 0]
        cloud = [item for item, place in zip(items, places, strict=True) if place == 1]
        if any(item.arrival + item.cloud_ms > item.deadline for item in cloud):
            continue
        value = sum(i.edge_gain for i in edge) + sum(i.cloud_gain for i in cloud)
        if value > best and _fits(edge, 0):
            best = value
    return best


def _fits(items: list[Item], now: int) -> bool:
    if not items:
        return True
    for item in items:
        end = max(now, item.arrival) + item.edge_ms
        if end <= item.deadline and _fits([other for other in items if other is not item], end):
            return True
    return False


@examples(25)
@given(streams())
def test_runs_stay_below_the_optimum_and_bounds_above(problem: EdgeCloud) -> None:
    best = _optimum(problem)
    bound = preemptive_bound(problem, seconds=30)
    assert bound is not None
    assert bound >= best
    for name in POLICIES:
        world = World(problem, policy(name))
        world.run()
        kept = [run for run in world.placed if run.in_time]
        earned = sum(run.item.cloud_gain if run.cloud else run.item.edge_gain for run in kept)
        assert earned <= best


@examples(6)
@given(streams())
def test_certified_utility_is_the_optimum(problem: EdgeCloud) -> None:
    found = simulate_edge(problem, work_limit=2, workers=1)
    assert found.utility == _optimum(problem)
    for run in found.runs:
        assert sch.check(problem, run.solution) == []
        assert found.bound is not None
        assert run.utility <= found.utility <= found.bound
        counts = run.on_edge + run.in_cloud + run.late + run.dropped
        assert counts == len(problem.tasks)
    answer: ScheduleSolution = sch.solve(offline(problem), work_limit=2, workers=1)
    assert most_utility(problem) - (answer.objective or 0) == found.utility


@examples(40)
@given(streams(truthful=True))
def test_nothing_ends_late_when_times_are_as_expected(problem: EdgeCloud) -> None:
    for name in POLICIES:
        world = World(problem, policy(name))
        world.run()
        assert all(run.in_time for run in world.placed)
        assert world.stolen == 0 or name in ("dems", "dems-a", "gems")


def _utility(problem: EdgeCloud, name: str) -> EdgeRun:
    return simulate_edge(problem, name, work_limit=0.01, workers=1).runs[0]


@pytest.mark.parametrize("models", [2, 4, 6])
def test_migration_earns_at_least_what_its_baseline_earns(models: int) -> None:
    seeds = range(40)
    better = 0
    for seed in seeds:
        problem = drone_stream(drones=2, models=models, batches=5, seed=seed)
        earned = {}
        for name in ("e+c", "dem"):
            world = World(problem, policy(name))
            world.run()
            earned[name] = sum(
                run.item.cloud_gain if run.cloud else run.item.edge_gain for run in world.placed
            )
        better += earned["dem"] >= earned["e+c"]
    assert better >= 0.95 * len(seeds)


@pytest.mark.parametrize(("drones", "models"), [(3, 2), (2, 4), (2, 6)])
def test_migration_reaches_the_published_share_of_the_certified_utility(
    drones: int, models: int
) -> None:
    for seed in range(2):
        problem = drone_stream(drones=drones, models=models, seed=seed)
        bound = preemptive_bound(problem, work=25)
        assert bound is not None
        assert _utility(problem, "dem").utility >= 0.86 * bound


def test_stealing_gains_at_moderate_load() -> None:
    gained = stolen = 0
    for seed in range(8):
        problem = drone_stream(drones=1, models=6, batches=20, early=0.5, seed=seed)
        runs = {}
        for name in ("dem", "dems"):
            world = World(problem, policy(name))
            world.run()
            runs[name] = world
            busy = sum(run.end - run.start for run in world.placed if not run.cloud)
            assert 0.6 <= busy / 20_000 <= 0.95
        gained += sum(
            sign * (run.item.cloud_gain if run.cloud else run.item.edge_gain)
            for sign, name in ((1, "dems"), (-1, "dem"))
            for run in runs[name].placed
            if run.in_time
        )
        stolen += runs["dems"].stolen
    assert stolen >= 10
    assert gained > 0


def test_a_waiting_task_is_taken_by_an_edge_that_ends_early() -> None:
    tasks = [
        {"id": "early", "model": "CD", "edge_ms": 100},
        {"id": "waits", "model": "DE-OBJ", "arrival_ms": 1},
    ]
    asked = drone_stream(models=6).models
    problem = EdgeCloud.model_validate(
        {"models": [model.model_dump() for model in asked], "tasks": tasks}
    )
    dem, dems = _utility(problem, "dem"), _utility(problem, "dems")
    assert (dem.utility, dem.in_cloud) == (171 + 40, 1)
    assert (dems.utility, dems.on_edge, dems.stolen) == (171 + 244, 2, 1)


def test_adaptation_follows_the_cloud() -> None:
    late = {"dems": 0, "dems-a": 0}
    for seed in range(5):
        problem = drone_stream(drones=2, models=4, batches=20, noise=0.4, seed=seed)
        for name in late:
            world = World(problem, policy(name))
            world.run()
            late[name] += sum(not run.in_time for run in world.placed)
    assert late["dems-a"] < late["dems"]


def test_impossible_decisions_are_named() -> None:
    class Twice(EdgeAlone):
        name = "twice"

        def arrive(self, item: Item, world: World) -> None:
            world.enqueue(item)
            world.send(item)

    problem = drone_stream(drones=1, batches=1)
    with pytest.raises(PolicyError, match=r"twice decides twice on task 'drone-0"):
        World(problem, Twice()).run()


def test_faults_are_named() -> None:
    model = drone_stream(models=1).models[0].model_dump()
    fields = {"models": [model], "tasks": [{"id": "a", "model": "XX"}, {"id": "a", "model": "HV"}]}
    with pytest.raises(InputError) as caught:
        EdgeCloud.model_validate(fields)
    assert [fault.place for fault in caught.value.faults] == ["tasks", "tasks[0].model"]


def test_changed_schedules_are_caught() -> None:
    problem = drone_stream(drones=1, batches=2)
    run = _utility(problem, "dem")
    first, *rest = run.solution.tasks
    early = first.model_copy(update={"start": first.start - 1, "end": first.end - 1})
    for tasks in ((early, *rest), tuple(rest)):
        assert sch.check(problem, run.solution.model_copy(update={"tasks": tasks}))


def test_command_line(cli: Cli, tmp_path: Path) -> None:
    path, out = tmp_path / "stream.json", tmp_path / "best.json"
    sch.write(drone_stream(drones=1, batches=2), path)
    assert sch.read(path) == drone_stream(drones=1, batches=2)
    shown = cli("simulate", path, "--policy", "dems", "--output", out, "--work-limit", 0.1)
    assert shown.code == 0
    assert "stolen" in shown.out
    assert cli("check", path, out).code == 0
    told = json.loads(cli("simulate", path, "--json", "--policy", "e+c", "--work-limit", 0.1).out)
    assert told["runs"][0]["policy"] == "e+c"
    assert told["bound"] > 0
