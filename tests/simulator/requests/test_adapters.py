"""Adapters: loaded once, never more than there are places, never taken from who uses them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.adapters import AdapterMemory, Adapters
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.compare import simulate_requests
from scheduling.simulator.requests.deployment import Deployment, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policies.composition import Orca, Sarathi
from scheduling.simulator.requests.policies.fastswitch import Swap
from scheduling.simulator.requests.policies.routing import LeastRequests, WithAdapter
from scheduling.simulator.requests.run import FleetRun
from tests.properties import examples
from tests.serving_runs import same, table, tables

COST = Affine(base=0.01, per_token=0.0)


def classes(requests: RequestTable, demand: list[int], count: int) -> RequestTable:
    """Return the requests with these classes, in turn."""
    names = tuple(f"c{number}" for number in range(count))
    return replace(requests, demand=np.resize(demand, len(requests)), demands=names)


def run(requests: RequestTable, memory: AdapterMemory, **changes: Any) -> FleetRun:
    group = Group("all", COST, kv_tokens=4000, composition=Orca(), adapters=memory, **changes)
    return simulate_fleet(Deployment((group,)), requests)


def test_an_adapter_is_loaded_once_and_waited_for() -> None:
    requests = classes(table([0, 10**9, 2 * 10**9], [10] * 3, [5] * 3), [0, 0, 1], 2)
    found = run(requests, AdapterMemory((0, -1), slots=1, load_seconds=0.3))
    assert found.ttft_seconds == pytest.approx([0.31, 0.01, 0.01])
    assert found.instances[0].tally.adapter_loads == 1
    assert found.instances[0].tally.copying_ns == 300_000_000


def test_each_adapter_of_a_batch_takes_its_time() -> None:
    requests = classes(table([0] * 4, [10] * 4, [5] * 4), [0, 1, 0, 2], 3)
    found = run(requests, AdapterMemory((0, 1, -1), 2, 0.0, each_seconds=0.002))
    assert found.e2e_seconds == pytest.approx([0.07] * 4)


def test_those_in_use_keep_their_places() -> None:
    requests = classes(table([0, 0], [10, 10], [5, 5]), [0, 1], 2)
    found = run(requests, AdapterMemory((0, 1), slots=1, load_seconds=0.0))
    assert found.started_ns.tolist() == [0, 50_000_000]


@pytest.mark.parametrize(("drops", "loads"), [("least-recent", 5), ("least-used", 4)])
def test_what_gives_its_place(drops: Any, loads: int) -> None:
    # The first adapter is used most; those behind it come once each.
    demand = [0, 0, 1, 2, 0, 1]
    requests = classes(table(np.arange(6) * 10**9, [10] * 6, [5] * 6), demand, 3)
    found = run(requests, AdapterMemory((0, 1, 2), 2, 0.1, drops=drops))
    assert found.instances[0].tally.adapter_loads == loads


class _Counted(Adapters):
    """Adapters that count what is loaded and used whenever a request begins."""

    def begin(self, request: Live) -> bool:
        missing = super().begin(request)
        assert len(self._loaded) <= self.memory.slots
        assert all(adapter in self._loaded for adapter, users in self._users.items() if users)
        assert min(self._users.values(), default=0) >= 0
        return missing


@given(
    requests=tables(),
    demand=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    slots=st.integers(1, 3),
    chunked=st.booleans(),
    swaps=st.booleans(),
    tokens=st.integers(60, 300),
)
@examples(50)
def test_jumps_change_nothing_and_places_are_kept(
    requests: RequestTable,
    demand: list[int],
    slots: int,
    chunked: bool,
    swaps: bool,
    tokens: int,
) -> None:
    requests = classes(requests, demand, 4)
    cost = Affine(1e-3, 1e-5, 1e-7)
    group = Group(
        "all",
        cost,
        kv_tokens=tokens,
        block_size=4,
        adapters=AdapterMemory((0, 1, 2, -1), slots, 0.004, 0.0005),
        composition=Sarathi(16) if chunked else Orca(),
    )
    if swaps:
        group = replace(group, eviction=Swap(tokens_per_second=1e5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scheduling.simulator.requests.instance_state.Adapters", _Counted)
        fleet = Deployment((group,))
        jumping, stepping = (
            simulate_fleet(fleet, requests, jumps=jumps) for jumps in (True, False)
        )
    assert same(jumping, stepping)
    assert jumping.served.sum() + jumping.rejected == len(requests)
    for one in Certifier((group,), {}).certify(jumping):
        assert one.bound is None or one.bound <= one.value


def test_routers_may_look_for_the_adapter() -> None:
    count = 60
    arrivals = np.arange(count) * 60_000_000
    requests = classes(table(arrivals, [10] * count, [20] * count), [0, 1, 2, 1, 0, 2, 2], 3)
    memory = AdapterMemory((0, 1, 2), 1, 0.2)
    group = Group("all", COST, kv_tokens=4000, replicas=3, adapters=memory)
    loads = []
    for router in (LeastRequests(), WithAdapter()):
        found = simulate_fleet(Deployment((group,)), requests, router=router)
        loads.append(sum(one.tally.adapter_loads for one in found.instances))
    assert loads[1] < loads[0] / 2


def test_scenarios_state_adapters() -> None:
    stated = {
        "replica": {"cost": {"base_seconds": 0.01, "per_token_seconds": 0}, "kv_tokens": 4000},
        "replicas": 2,
        "router": "adapters:2",
        "workload": {
            "classes": [
                {
                    "name": name,
                    "arrivals": {"kind": "poisson", "rate": 3.0},
                    "prompt": {"kind": "fixed", "tokens": 50},
                    "output": {"kind": "fixed", "tokens": 10},
                }
                for name in ("law", "code", "chat")
            ]
        },
        "requests": 40,
        "adapters": {"slots": 1, "load_seconds": 0.05, "classes": ["law", "code"]},
    }
    outcome = simulate_requests(RequestScenario.model_validate(stated), "sarathi").outcomes[0]
    assert outcome.metrics.groups[0].adapter_loads >= 2
    stated["adapters"] = {"slots": 1, "load_seconds": 0.05, "classes": ["laws"]}
    with pytest.raises(InputError, match=r"adapters\.classes: found laws, expected classes: law"):
        simulate_requests(RequestScenario.model_validate(stated), "sarathi")


def test_adapters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match=r"adapters\.slots.*\n.*load_seconds.*\n.*each_seconds"):
        AdapterMemory((0,), 0, -1.0, float("nan"))
    memory = AdapterMemory((0,), 1, 0.0)
    group = Group("all", COST, 400, replicas=2, link=Link(1.0, 1e9), adapters=memory)
    with pytest.raises(InputError, match=r"all\.adapters: found llumnix"):
        simulate_fleet(Deployment((group,)), table([0], [5], [5]), router="llumnix")
