"""Figures of runs: latencies with confidence, service levels, how full the fleet was."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.models.serving.plan import Component, Route, ServingPlan
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import Slo, measure
from scheduling.simulator.requests.planned import planned_deployment
from scheduling.simulator.requests.policies.composition import PrefillFirst
from scheduling.simulator.requests.streams import stream
from tests.serving_runs import table

COST = Affine(base=1e-3, per_token=0.0)


def test_figures_of_a_run_done_by_hand() -> None:
    fleet = Deployment((Group("all", COST, kv_tokens=32, block_size=1, max_sequences=1),))
    # The second waits 5 ms for the first; the last two fit into no memory.
    run = simulate_fleet(fleet, table([0, 0, 10**7, 10**7], [10, 10, 40, 40], [5, 1, 1, 1]))
    found = measure(run, {"all": Slo(ttft_seconds=0.002)}, percentiles=(50,))
    [demand] = found.demands
    assert (demand.requests, demand.served, demand.rejected) == (4, 2, 2)
    assert demand.queue is not None
    assert demand.ttft is not None
    assert demand.tpot is not None
    assert demand.e2e is not None
    assert demand.queue.mean.value == pytest.approx(0.0025)
    assert demand.ttft.percentiles[50].value == pytest.approx(0.0035)
    assert demand.tpot.mean.value == pytest.approx(0.001)
    assert demand.e2e.mean.value == pytest.approx(0.0055)
    assert demand.attainment is not None
    assert (demand.attainment.value, demand.attainment.half_width) == (0.25, None)
    assert demand.goodput == pytest.approx(100.0)
    assert found.makespan_seconds == pytest.approx(0.006)
    assert found.queued == pytest.approx(5 / 6)
    [group] = found.groups
    assert group.utilisation == pytest.approx(1.0)
    assert group.kv_peak == pytest.approx(14 / 32)
    assert 10 / 32 < group.kv_mean < 14 / 32


def test_requests_of_the_warm_up_do_not_count() -> None:
    fleet = Deployment((Group("all", COST, kv_tokens=32),))
    run = simulate_fleet(fleet, table([0, 0, 10**9], [10, 10, 10], [1, 1, 1]))
    [demand] = measure(run, warmup_seconds=0.5).demands
    assert demand.requests == 1
    assert demand.attainment is None
    [demand] = measure(run, {"all": Slo()}, warmup_seconds=5).demands
    assert (demand.requests, demand.ttft, demand.attainment) == (0, None, None)


def test_intervals_hold_the_formulas_mean_as_often_as_they_say() -> None:
    cost = Affine(base=0.0, per_token=1e-6)
    one = Group("one", cost, kv_tokens=10**6, max_sequences=1, composition=PrefillFirst())
    inside = 0
    for seed in range(40):
        arrivals = np.cumsum(np.rint(stream(seed, "arrivals").exponential(2.5e7, 2000)))
        run = simulate_fleet(Deployment((one,)), table(arrivals, 10_000, 1))
        [demand] = measure(run).demands
        assert demand.queue is not None
        mean = demand.queue.mean
        # M/D/1 at a utilisation of 0.4 with 10 ms of service.
        inside += mean.low <= 0.4 / (2 * 0.6) * 0.01 <= mean.high
    assert 34 <= inside <= 40


def test_questions_that_make_no_sense_are_refused() -> None:
    run = simulate_fleet(Deployment((Group("all", COST, kv_tokens=32),)), table([0], [1], [1]))
    with pytest.raises(InputError, match="slos: found other, expected demands of all"):
        measure(run, {"other": Slo()})
    with pytest.raises(InputError, match="between 0 and 100"):
        measure(run, percentiles=(100,))


def plan(*components: Component, routes: tuple[Route, ...]) -> ServingPlan:
    return ServingPlan(
        name="plan",
        components=components,
        routes=routes,
        gpus=sum(component.gpus for component in components),
        cost_per_hour=1.0,
        objective_name="cost",
        status="feasible",
    )


def component(name: str, role: str, replicas: int) -> Component:
    return Component(
        name=name,
        model="m",
        role=role,  # type: ignore[arg-type]
        pool="p",
        gpu="g",
        replicas=replicas,
        max_sequences=7,
        token_budget=99,
    )


def test_plans_become_fleets_with_flows_by_rate() -> None:
    parts = (
        component("whole", "both", 2),
        component("pre", "prefill", 3),
        component("dec-a", "decode", 1),
        component("dec-b", "decode", 4),
    )
    routes = tuple(
        Route(demand="chat", component=name, requests_per_second=rate)
        for name, rate in (("whole", 2.0), ("pre", 6.0), ("dec-a", 1.5), ("dec-b", 4.5))
    )
    names = [part.name for part in parts]
    made = planned_deployment(
        plan(*parts, routes=routes),
        dict.fromkeys(names, COST),
        dict.fromkeys(names, 1000),
        lambda first, second: Link(1.0, 1e9, 1e-3 if second.name == "dec-a" else 0.0),
    )
    assert [group.replicas for group in made.groups] == [2, 3, 1, 4]
    assert {group.max_sequences for group in made.groups} == {7}
    assert made.flows == (
        Flow("chat", "whole", weight=2.0),
        Flow("chat", "pre", "dec-a", 1.5, Link(1.0, 1e9, 1e-3)),
        Flow("chat", "pre", "dec-b", 4.5, Link(1.0, 1e9)),
    )
    zeros, ones = np.zeros(80, dtype=np.int64), np.ones(80, dtype=np.int64)
    requests = RequestTable(zeros, ones, 2 * ones, zeros, zeros, ("chat",))
    run = simulate_fleet(made, requests)
    counts = np.bincount(run.decode_instance[run.decode_instance >= 0], minlength=10)
    assert (run.decode_instance < 0).sum() == 20
    assert (counts[5], counts[6:].sum()) == (15, 45)


def test_plans_that_cannot_run_are_refused() -> None:
    parts = (component("pre", "prefill", 1), component("dec", "decode", 1))
    alone = (Route(demand="chat", component="pre", requests_per_second=1.0),)
    both = (*alone, Route(demand="chat", component="dec", requests_per_second=1.0))
    known = {"pre": COST, "dec": COST}
    sizes = {"pre": 100, "dec": 100}
    with pytest.raises(InputError, match="prefill alone"):
        planned_deployment(plan(*parts, routes=alone), known, sizes)
    with pytest.raises(InputError, match="nothing from pre to dec"):
        planned_deployment(plan(*parts, routes=both), known, sizes)
    stray = (Route(demand="chat", component="gone", requests_per_second=1.0),)
    with pytest.raises(InputError) as caught:
        planned_deployment(plan(*parts, routes=stray), {"pre": COST}, sizes)
    places = [fault.place for fault in caught.value.faults]
    assert places == ["costs['dec']", "routes[0].component"]
