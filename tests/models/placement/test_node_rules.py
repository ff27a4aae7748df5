"""Rules of nodes and quotas as the checker reads them."""

from __future__ import annotations

from typing import Any

import pytest

import scheduling as sch
from scheduling.models.placement.eligibility import Eligibility
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.models.placement.steps import Step, replay
from tests.models.placement.rules import broken, problem


def test_policies_of_spread_say_which_nodes_count() -> None:
    nodes = [
        {"id": "a", "capacity": {"cpu": 9}, "labels": {"zone": "1"}},
        {"id": "b", "capacity": {"cpu": 9}, "labels": {"zone": "2"}, "taints": [{"key": "t"}]},
    ]

    def stated(**fields: Any) -> PlacementProblem:
        spread = [{"selector": {}, "topology": "zone", **fields}]
        items = [
            {"id": f"i{k}", "spread": spread, "node_selector": {"zone": "1"}} for k in range(2)
        ]
        return PlacementProblem.model_validate({"nodes": nodes, "items": items})

    both = {"i0": "a", "i1": "a"}
    assert broken(stated(), **both) == set()
    assert broken(stated(honor_affinity=False), **both) == {"spread"}
    assert broken(stated(honor_affinity=False, honor_taints=True), **both) == set()


def test_quotas_may_name_their_items() -> None:
    quota = {"id": "q", "limits": {"cpu": 3}, "members": ["new"]}
    assert broken(problem(quotas=[quota]), run="a", pin="d", new="d") == set()
    small = {**quota, "limits": {"cpu": 1}}
    assert broken(problem(quotas=[small]), run="a", pin="d", new="d") == {"quota"}


@pytest.mark.parametrize("operator", ["Gt", "Lt"])
@pytest.mark.parametrize("value", ["-2", "0", "7", "07", "+7", "x", ""])
def test_tolerations_compare_whole_numbers(operator: str, value: str) -> None:
    wanted = {"-2": "Lt", "7": "Gt"}.get(value) == operator
    for limit, holds_now in (("0", wanted), ("00", False), ("", False)):
        tolerations = [{"key": "sla", "operator": operator, "value": limit}]
        stated = PlacementProblem.model_validate(
            {
                "nodes": [{"id": "n", "capacity": {}, "taints": [{"key": "sla", "value": value}]}],
                "items": [{"id": "i", "tolerations": tolerations}],
            }
        )
        assert (broken(stated, i="n") == set()) == holds_now
        assert (
            bool(Eligibility(stated.nodes, stated.items).allowed(stated.items[0])[0]) == holds_now
        )


@pytest.mark.parametrize(
    ("one", "other", "fit"),
    [
        ("", "", False),
        ("10.0.0.1", "", False),
        ("", "10.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", False),
        ("10.0.0.1", "10.0.0.2", True),
    ],
)
def test_ports_conflict_on_one_address_or_where_one_takes_all(
    one: str, other: str, fit: bool
) -> None:
    ports = [[{"port": 80, "address": address}] for address in (one, other)]
    items = [{"id": "i", "ports": ports[0]}, {"id": "j", "ports": ports[1]}]
    stated = PlacementProblem.model_validate(
        {"nodes": [{"id": "n", "capacity": {}}], "items": items}
    )
    assert broken(stated, i="n", j="n") == (set() if fit else {"port"})
    for solver in ("cp-sat", "mip", "greedy"):
        solution = sch.solve(stated, solver, work_limit=5, workers=1)
        assert len(solution.placements) == 1 + fit
    runs = PlacementProblem.model_validate(
        {
            "nodes": [{"id": "n", "capacity": {}}],
            "items": [{**items[0], "node": "n"}, {**items[1], "preempts": False}],
        }
    )
    assert broken(runs, i="n", j="n") == (set() if fit else {"port", "preemption"})
    both = PlacementSolution.model_validate(
        {"status": "feasible", "placements": [{"item": k, "node": "n"} for k in "ij"]}
    )
    starts = [Step(action="start", item=name, destination="n") for name in "ij"]
    assert (list(replay(stated, both, starts)) == []) == fit
