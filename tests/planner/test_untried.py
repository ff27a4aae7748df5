"""Plans whose time ended before all kinds of replicas were tried, and what bounds them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.serving.fleet import Fleet
from scheduling.models.serving.problem import Template
from scheduling.planner.candidates import Candidates
from scheduling.planner.clock import Clock
from scheduling.planner.front import plan_front
from scheduling.planner.plan import plan, plan_resolved
from scheduling.planner.resolve import Resolved, resolve
from scheduling.planner.stating import state
from scheduling.planner.templates import candidates
from scheduling.planner.untried import proven, stand_ins, state_best
from tests.planner.fleets import fleet
from tests.solving import solve

SMALL = {"max_pp": 2, "token_budgets": [512, 2048], "max_tp": 4}
LATER = {"name": "busy", "demand": 1.5, "latency": 1.2}
LONG = {
    "name": "code",
    "model": "llama-3.1-8b",
    "rate": 2.0,
    "prompt": {"kind": "lognormal", "median": 2000, "sigma": 0.8},
    "output": 50,
    "prefix_share": 0.3,
}
CHAT = fleet().demands[0].model_dump(exclude_unset=True)
FLEETS = {
    "plain": fleet(options=SMALL, demand={"rate": 60.0}),
    "mixed": fleet(options=SMALL, demands=[CHAT, LONG]),
    "later": fleet(options=SMALL, scenarios=[LATER], goals=["goodput", "cost"]),
    "narrow": fleet(
        options=SMALL | {"modes": ["disaggregated"], "engine": "vllm"},
        models=[{"name": "llama-3.1-8b", "precisions": ["bf16", "fp8", "w4a16"]}],
        goals=["watts"],
    ),
    "experts": fleet(
        options={"max_replica_gpus": 8, "token_budgets": [2048], "max_dp": 4},
        models=[{"name": "qwen3-30b-a3b"}],
        demand={"model": "qwen3-30b-a3b"},
    ),
    "latent": fleet(
        options={"max_replica_gpus": 8, "token_budgets": [2048], "max_dp": 4},
        models=[{"name": "deepseek-v2-lite"}],
        demand={"model": "deepseek-v2-lite"},
    ),
}


class Ending(Clock):
    """A clock that is over when it was asked so many times."""

    def __init__(self, asked: int) -> None:
        super().__init__(time.monotonic() + 300, 1, 0)
        object.__setattr__(self, "left_", [None] * asked)

    @property
    def over(self) -> bool:
        left: list[None] = self.left_  # type: ignore[attr-defined]
        if left:
            left.pop()
        return not left


def tried_until(resolved: Resolved, asked: int) -> Candidates:
    """Return the kinds of replicas when the time ends after so many layouts."""
    return candidates(resolved, clock=Ending(asked + 1))


@pytest.mark.parametrize("name", FLEETS)
def test_no_replica_beats_what_stands_for_it(name: str) -> None:
    resolved = resolve(FLEETS[name])
    known = candidates(resolved).tried
    untried = tried_until(resolved, 0)
    assert untried.tried == ()
    ideal: dict[tuple[Any, ...], Template] = {
        (one.model, one.role, one.pool, one.gpus): one
        for one in stand_ins(resolved, untried.untried)
    }
    for one in known:
        other = ideal[one.model.name, one.role, one.pool.name, one.layout.gpus]
        assert one.sized.rates.keys() <= other.rates.keys()
        assert all(rate < other.rates[demand] for demand, rate in one.sized.rates.items())
        assert one.ceilings.max() <= other.ceilings[-1]
        assert other.watts is not None
        assert one.watts >= other.watts


@pytest.mark.parametrize("name", FLEETS)
def test_the_bound_holds_however_far_the_trials_came(name: str) -> None:
    resolved = resolve(FLEETS[name])
    whole = candidates(resolved)
    assert whole.complete
    best = solve(state(resolved, whole.kept), work_limit=20, workers=1).tiers[0]
    sign = 1 if best.sense == "min" else -1
    sizes = []
    for asked in (0, 1, 3, 6):
        found = tried_until(resolved, asked)
        sizes.append(len(found.untried))
        assert found.complete is (not found.untried)
        above = solve(state_best(resolved, found), work_limit=5, workers=1)
        answer = proven(solve(state(resolved, found.kept), work_limit=5, workers=1), above)
        first = answer.tiers[0] if answer.tiers else None
        assert above.tiers[0].bound is not None
        assert sign * above.tiers[0].bound <= sign * best.objective
        if first is not None and first.objective is not None and not found.complete:
            assert first.bound == above.tiers[0].bound
            assert answer.status == ("optimal" if first.closed else "feasible")
    assert sizes[0] == max(sizes) > 0


def partly(found: Candidates, resolved: Resolved) -> Candidates:
    """Return the same as if nothing had been tried to its end."""
    return replace(found, untried=tried_until(resolved, 0).untried)


def test_a_plan_in_short_time_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    pools = [{"name": "h100", "gpu": "h100-sxm", "nodes": 4, "price_per_hour": 2.5}]
    asked = fleet(options=SMALL, pools=pools, demand={"rate": 400.0})
    resolved = resolve(asked)
    known = plan(asked, time_limit=300)
    found = partly(candidates(resolved), resolved)
    monkeypatch.setattr("scheduling.planner.plan.candidates", lambda *_, **__: found)
    late = plan_resolved(resolved, Clock(time.monotonic() + 300, 1, 0))
    assert late.plan is not None
    assert known.complete
    assert not late.complete
    assert late.solution.objective == known.solution.objective
    assert late.solution.status == late.plan.status == "feasible"
    assert late.solution.bound is not None
    assert late.solution.objective is not None
    assert 0 < late.solution.bound < late.solution.objective
    assert late.plan.gap is not None
    assert 0 < late.plan.gap < 1
    assert not late.worths.complete
    assert all(other.status in ("feasible", "unknown") for other in late.runner_ups)
    assert late.record()["templates_complete"] is False


def nothing_tried(monkeypatch: pytest.MonkeyPatch, module: str, asked: Fleet) -> Resolved:
    resolved = resolve(asked)
    found = tried_until(resolved, 0)
    monkeypatch.setattr(f"scheduling.planner.{module}.candidates", lambda *_, **__: found)
    return resolved


def test_without_any_kind_of_replica_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = nothing_tried(monkeypatch, "plan", FLEETS["plain"])
    late = plan_resolved(resolved, Clock(time.monotonic() + 300, 1, 0))
    assert (late.plan, late.solution.status, late.complete) == (None, "unknown", False)


def test_what_no_gpu_could_serve_is_impossible_untried(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = nothing_tried(monkeypatch, "plan", fleet(options=SMALL, demand={"rate": 1e5}))
    late = plan_resolved(resolved, Clock(time.monotonic() + 300, 1, 0))
    assert (late.plan, late.solution.status) == (None, Status.INFEASIBLE)


def test_points_of_a_front_have_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fleet(options=SMALL, limits={"gpus": 2})
    resolved = resolve(asked)
    whole = plan_front(asked, ("gpus", "goodput"), time_limit=300)
    found = partly(candidates(resolved), resolved)
    monkeypatch.setattr("scheduling.planner.front.candidates", lambda *_, **__: found)
    front = plan_front(asked, ("gpus", "goodput"), time_limit=300)
    assert [point.values for point in front.points] == [point.values for point in whole.points]
    assert front.status == "feasible"
    for point in front.points:
        assert point.bound is not None
        assert point.bound >= point.values[1]


def test_a_plan_runs_in_any_time() -> None:
    answer = sch.plan(FLEETS["mixed"], time_limit=0.01)
    assert answer.solution.status in {"optimal", "feasible", "unknown"}
