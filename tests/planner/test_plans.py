"""Plans: certificates, replays that fail, rivals, fronts, and what makes a plan possible."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.serving.plan import ServingPlan
from scheduling.planner import verify
from scheduling.planner.candidates import Candidates
from scheduling.planner.clock import Clock
from scheduling.planner.explain import explain_plan
from scheduling.planner.front import plan_front
from scheduling.planner.plan import plan, plan_resolved, require_fleet
from scheduling.planner.resolve import resolve
from scheduling.planner.summary import replayed
from scheduling.planner.templates import Memo, candidates
from scheduling.planner.verify import Verdict, derated
from scheduling.planner.worth import worths
from tests.planner.fleets import fleet

SMALL = {"max_pp": 1, "token_budgets": [2048], "max_tp": 2}


def test_plan_serves_all_demands_within_its_ceilings() -> None:
    result = plan(fleet(options=SMALL, demand={"rate": 60.0}), time_limit=300)
    best = result.plan
    assert best is not None
    assert result.solution.status == "optimal"
    assert sch.check(result.problem, result.solution) == []
    served = {
        role: sum(
            route.requests_per_second
            for route in best.routes
            if next(c for c in best.components if c.name == route.component).role == role
        )
        for role in ("both", "prefill", "decode")
    }
    assert served["both"] + served["prefill"] == pytest.approx(60.0, rel=1e-3)
    assert served["prefill"] == pytest.approx(served["decode"], rel=1e-3)
    assert best.gpus == sum(c.gpus for c in best.components) <= 8
    assert best.cost_per_hour == pytest.approx(2.5 * best.gpus)
    for slack in result.slacks:
        assert slack.used <= slack.most + 1e-9


def test_predictions_keep_the_targets_and_the_replay_agrees() -> None:
    result = plan(fleet(options=SMALL, demand={"rate": 60.0}), time_limit=300)
    assert result.plan is not None
    for component in result.plan.components:
        expected = component.prediction
        assert expected.ttft_seconds is None or expected.ttft_seconds <= 0.5
        assert expected.tpot_seconds is None or expected.tpot_seconds <= 0.03
    assert result.replays[-1].kept
    assert {verdict.metric for verdict in result.replays[-1].verdicts} == {"ttft", "tpot"}


def test_same_seed_gives_the_same_plan() -> None:
    asked = fleet(options=SMALL)
    first, second = (plan(asked, time_limit=300, workers=1, seed=3) for _ in range(2))
    assert first.plan == second.plan
    assert first.replays == second.replays


def test_rivals_are_of_another_kind_and_no_better() -> None:
    result = plan(fleet(options=SMALL, demand={"rate": 60.0}), time_limit=300)
    assert result.plan is not None
    assert result.runner_ups
    for other in result.runner_ups:
        if other.plan is None:
            continue
        assert other.plan.objective is not None
        assert result.plan.objective is not None
        assert other.plan.objective >= result.plan.objective
        roles = {component.role for component in other.plan.components}
        assert roles == {"both"} if other.kind == "aggregated only" else "both" not in roles


def test_plan_that_misses_a_target_in_the_replay_is_resized(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A replay that fails at a load has the plan sized anew until it is below that load."""
    true_replay = verify.replay

    def strict(*arguments: object) -> verify.Replay:
        seen = true_replay(*arguments)  # type: ignore[arg-type]
        assert seen is not None
        best = arguments[3]
        assert isinstance(best, ServingPlan)
        busiest = max(c.prediction.utilisation or 0.0 for c in best.components)
        if busiest <= 0.45:
            return seen
        late = Verdict("chat", "ttft", 0.9, 0.5, 0.6, 0.55, 0.65)
        return verify.Replay(seen.requests, (late,))

    monkeypatch.setattr("scheduling.planner.rounds.replay", strict)
    options = {**SMALL, "modes": ["aggregated"]}
    asked = fleet(options=options, demand={"rate": 25.0}, scenarios=[])
    result = plan(asked, time_limit=300)
    assert result.plan is not None
    assert len(result.replays) > 1
    assert not result.replays[0].kept
    assert result.replays[-1].kept
    assert max(c.prediction.utilisation or 0.0 for c in result.plan.components) <= 0.45


def test_of_plans_that_all_miss_a_target_the_nearest_one_is_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = iter([0.9, 0.6, 0.8, 0.7, 0.9, 0.9, 0.9, 0.9])
    tried: list[ServingPlan] = []

    def late(*arguments: Any) -> verify.Replay:
        tried.append(arguments[3])
        return verify.Replay(100, (Verdict("chat", "ttft", 0.9, 0.5, next(seconds), None, None),))

    monkeypatch.setattr("scheduling.planner.rounds.replay", late)
    monkeypatch.setattr("scheduling.planner.rivals._kinds_beside", lambda *_: [])
    asked = fleet(options={**SMALL, "modes": ["aggregated"]}, demand={"rate": 25.0})
    result = plan(asked, time_limit=300)
    assert len(result.replays) == len(tried) > 2
    assert result.replays[-1].verdicts[0].value == 0.6
    assert result.plan == tried[1]
    assert sch.check(result.problem, result.solution) == []


def test_replays_far_from_a_target_cut_the_ceilings_twice() -> None:
    result = plan(fleet(options={**SMALL, "modes": ["aggregated"]}), time_limit=300)
    far = Verdict("chat", "ttft", 0.9, 0.5, 5.0, None, None)
    changed = derated(result.candidates, result.solution, [far])
    used = {flow.template for flow in result.solution.flows}
    assert {one.derate for one in changed if one.id in used} == {0.9**2}
    assert all(one.derate == 1.0 for one in changed if one.id not in used)


def test_only_replicas_that_serve_the_late_demand_are_sized_anew() -> None:
    result = plan(fleet(options=SMALL, demand={"rate": 60.0}), time_limit=300)
    late = Verdict("chat", "tpot", 0.9, 0.03, 0.04, 0.035, 0.045)
    changed = derated(result.candidates, result.solution, [late])
    used = {flow.template for flow in result.solution.flows}
    for before, after in zip(result.candidates, changed, strict=True):
        slower = before.id in used and before.role != "prefill"
        assert after.derate == (0.9 if slower else 1.0)
        assert (after.ceilings <= before.ceilings).all()


def test_scenarios_ask_for_no_less() -> None:
    plain = plan(fleet(options=SMALL, demand={"rate": 60.0}), time_limit=300)
    evening = {"name": "evening", "demand": 1.5, "latency": 1.1}
    asked = fleet(options=SMALL, demand={"rate": 60.0}, scenarios=[evening])
    robust = plan(asked, time_limit=300)
    assert plain.plan is not None
    assert robust.plan is not None
    assert robust.plan.gpus >= plain.plan.gpus


def test_least_relaxation_is_least() -> None:
    options = {**SMALL, "modes": ["aggregated"]}
    pools = [
        {"name": "h100", "gpu": "h100-sxm", "nodes": 1, "gpus_per_node": 1, "price_per_hour": 2.5}
    ]
    asked = fleet(options=options, pools=pools, demand={"rate": 100.0})
    found = explain_plan(asked, time_limit=300)
    assert found.served is not None
    assert 0 < found.served < 1
    more = next(one for one in found.relaxations if one.constraint == "1 GPUs in h100")
    assert more.factor is not None
    enough = round(more.factor)
    pools[0]["nodes"] = enough
    again = fleet(options=options, pools=pools, demand={"rate": 100.0})
    assert plan(again, time_limit=300).plan is not None
    pools[0]["nodes"] = enough - 1
    less = fleet(options=options, pools=pools, demand={"rate": 100.0})
    assert plan(less, time_limit=300).solution.status == "infeasible"


def test_points_of_a_front_are_the_best_within_their_caps() -> None:
    options = {**SMALL, "modes": ["aggregated"]}
    asked = fleet(options=options, demand={"rate": 30.0})
    front = plan_front(asked, ("goodput", "gpus"), time_limit=300)
    assert front.goals == ("gpus", "goodput")
    assert front.status == "optimal"
    assert front.hypervolume == pytest.approx(front.bound)
    for point in front.points:
        gpus, factor = point.values
        capped = fleet(
            options=options,
            demand={"rate": 30.0},
            limits={"gpus": int(gpus)},
            goals=["goodput"],
        )
        best = plan(capped, time_limit=300).plan
        assert best is not None
        assert best.objective == pytest.approx(factor)


def test_networks_carry_the_caches_of_all_requests() -> None:
    options = {**SMALL, "modes": ["disaggregated"]}
    result = plan(fleet(options=options, demand={"rate": 60.0}), time_limit=300)
    networks = [one for one in result.slacks if one.limit == "KV network of h100"]
    assert {one.note for one in networks} == {"out of prefill", "into decode"}
    # 1000 tokens of 32 layers with 8 heads of 128 in two bytes, keys and values, 60 times a second.
    moved = 60 * 1000 * 32 * 8 * 128 * 2 * 2 / 1e9
    for one in networks:
        assert one.used == pytest.approx(moved, rel=1e-3)
        assert one.used <= one.most


def test_rivals_are_replayed_and_sized_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rival that misses a target in its replay is planned again, like the plan itself."""
    true_replay = verify.replay

    def strict(*arguments: object) -> verify.Replay:
        seen = true_replay(*arguments)  # type: ignore[arg-type]
        assert seen is not None
        best = arguments[3]
        assert isinstance(best, ServingPlan)
        busy = [c.prediction.utilisation or 0.0 for c in best.components if c.role == "prefill"]
        if max(busy, default=0.0) <= 0.6:
            return seen
        late = Verdict("chat", "ttft", 0.9, 0.5, 0.6, 0.55, 0.65)
        return verify.Replay(seen.requests, (late,))

    monkeypatch.setattr("scheduling.planner.rounds.replay", strict)
    result = plan(fleet(options=SMALL, demand={"rate": 60.0}), time_limit=300)
    other = next(one for one in result.runner_ups if one.kind == "disaggregated only")
    assert other.plan is not None
    assert len(other.replays) > 1
    assert not other.replays[0].kept
    assert other.replays[-1].kept
    assert other.record()["replays"][-1]["kept"]
    assert replayed(other.replays) == f"targets kept, re-sized {len(other.replays) - 1} x"


def test_requests_that_keep_all_targets_at_once_are_counted() -> None:
    joint = {"ttft": 0.5, "tpot": 0.03, "attainment": 0.9, "rate": 60.0}
    result = plan(fleet(options=SMALL, demand=joint), time_limit=300)
    (seen,) = result.replays[-1].attained
    assert seen.share == 0.9
    assert seen.value is not None
    assert seen.kept == (seen.value >= 0.9)
    late = Verdict("chat", "tpot", 0.95, 0.03, 0.04, 0.035, 0.045)
    enough = verify.Attained("chat", 0.9, 0.93, 0.92, 0.94)
    few = verify.Attained("chat", 0.9, 0.87, 0.86, 0.88)
    assert verify.Replay(10, (late,), (enough,)).kept
    assert not verify.Replay(10, (late,), (few,)).kept


def test_what_binds_is_worth_something_and_nothing_else_is() -> None:
    pools = [
        {"name": "l40s", "gpu": "l40s", "nodes": 1, "gpus_per_node": 1, "price_per_hour": 0.5},
        {"name": "h100", "gpu": "h100-sxm", "nodes": 1, "price_per_hour": 5.0},
    ]
    options = {**SMALL, "modes": ["aggregated"]}
    demand = {"rate": 30.0, "ttft": {"seconds": 1.0}, "tpot": {"seconds": 0.05}}
    asked = fleet(options=options, pools=pools, demand=demand, limits={"gpus": 8})
    result = plan(asked, time_limit=300)
    found = {one.constraint: one for one in result.worths.entries}
    assert found["1 GPUs in l40s"].binds
    assert found["1 GPUs in l40s"].value < 0
    assert not found["8 GPUs in h100"].binds
    assert not found["limit of GPUs of 8"].binds
    assert found["ceilings of utilisation"].value < 0
    assert "memory of h100" in found
    assert result.worths.complete
    # What is loosened never makes the best plan dearer.
    assert all(one.value <= 0 for one in result.worths.entries)
    record = next(one for one in result.record()["binds"] if one["binds"])
    assert record["goal"] == "cost"


def test_templates_sized_anew_stand_beside_those_known_before() -> None:
    # With more memory the batch of this fleet's template grows, and keeps it less busy.
    resolved = resolve(require_fleet(sch.read("bundled:chat-fleet")))
    found = plan(fleet(options=SMALL), time_limit=300)
    assert found.plan is not None
    assert {component.pool for component in found.plan.components} == {"h100"}
    memo = Memo()
    among = candidates(resolved, memo=memo)
    tried = worths(resolved, found.plan, among, Clock(time.monotonic() + 300, 1, 0), memo)
    assert tried.complete
    assert "memory of h100" in {one.constraint for one in tried.entries}
    assert all(one.value <= 0 for one in tried.entries)


def cut_short(module: str, monkeypatch: pytest.MonkeyPatch, found: Candidates) -> None:
    """Have a search for kinds of replicas end with what is given."""
    monkeypatch.setattr(f"scheduling.planner.{module}.candidates", lambda *_, **__: found)


def test_a_plan_without_the_time_for_its_replay_says_so() -> None:
    resolved = resolve(fleet(options=SMALL, demand={"rate": 60.0}))
    found = plan_resolved(resolved, Clock(time.monotonic() + 300, 1, 0))
    assert found.plan is not None
    kept, over = found.candidates, Clock(time.monotonic() - 1.0, 1, 0)
    assert verify.replay(resolved, kept, found.solution, found.plan, over) is None
    assert replayed(()) == "not replayed"


def test_an_explanation_that_ran_out_of_time_rules_nothing_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = fleet(options=SMALL, demand={"rate": 5000.0})
    none = candidates(resolve(asked), clock=Clock(time.monotonic() - 1.0, 1, 0))
    assert none.kept == ()
    cut_short("explain", monkeypatch, none)
    short = explain_plan(asked, time_limit=300)
    assert (short.faults, short.relaxations, short.beside, short.complete) == ((), (), (), False)
    cut_short("front", monkeypatch, none)
    front = plan_front(fleet(options=SMALL), ("gpus", "goodput"), time_limit=300)
    assert (front.points, front.status) == ((), "unknown")


def test_searches_for_other_plans_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    def sent(
        function: Callable[[Any], Any], runs: Sequence[Any], jobs: int | None, backend: str
    ) -> list[Any]:
        assert (jobs, backend) == (None, "dask:tcp://head:8786")
        here = [function(run) for run in runs]
        there = [pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(r))))) for r in runs]
        assert [(one.kind, one.plan, one.status) for one in there] == [
            (one.kind, one.plan, one.status) for one in here
        ]
        return there

    monkeypatch.setattr("scheduling.planner.rivals.carry_all", sent)
    pools = [
        {"name": "h100", "gpu": "h100-sxm", "nodes": 1, "price_per_hour": 2.5},
        {"name": "l40s", "gpu": "l40s", "nodes": 1, "price_per_hour": 1.5},
    ]
    asked = fleet(options=SMALL, pools=pools)
    found = sch.plan(asked, time_limit=60, backend="dask:tcp://head:8786")
    assert [one.kind for one in found.runner_ups if one.plan is not None]
    with pytest.raises(InputError, match="backend"):
        sch.plan(fleet(), backend="slurm")


def test_loosening_a_constraint_is_never_said_to_make_the_plan_dearer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolved = resolve(fleet(options=SMALL, limits={"gpus": 8}))
    found = plan(resolved.fleet, time_limit=300)
    assert found.plan is not None
    values = iter(range(100_000, 200_000, 1000))
    monkeypatch.setattr("scheduling.planner.worth.relaxed_value", lambda *_: next(values))
    memo = Memo()
    clock = Clock(time.monotonic() + 300, 1, 0)
    tried = worths(resolved, found.plan, candidates(resolved, memo=memo), clock, memo)
    assert tried.entries
    assert not any(one.binds or one.value for one in tried.entries)
