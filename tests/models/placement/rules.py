"""A small cluster, and the rules that placements in it break."""

from __future__ import annotations

from typing import Any

import scheduling as sch
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution


def problem(**changes: Any) -> PlacementProblem:
    web = {"match": {"app": "web"}}
    base: dict[str, Any] = {
        "nodes": [
            {"id": "a", "capacity": {"cpu": 4}, "labels": {"zone": "1", "disk": "ssd"}},
            {"id": "b", "capacity": {"cpu": 4}, "labels": {"zone": "2"}, "taints": [{"key": "t"}]},
            {"id": "c", "capacity": {"cpu": 4}, "labels": {"zone": "2"}, "closed": True},
            {"id": "d", "capacity": {"cpu": 9}, "labels": {"zone": "2"}},
        ],
        "items": [
            {"id": "run", "demands": {"cpu": 3}, "node": "a", "labels": {"app": "web"}},
            {"id": "pin", "demands": {"cpu": 1}, "node": "d", "pinned": True},
            {"id": "new", "demands": {"cpu": 2}, "labels": {"app": "web"}},
        ],
        "budgets": [{"id": "pdb", "selector": web, "allowed": 0}],
        "quotas": [{"id": "q", "limits": {"cpu": 6}}],
    }
    items = changes.pop("new", {})
    base["items"][2] |= items
    return PlacementProblem.model_validate(base | changes)


def broken(stated: PlacementProblem, **placed: str) -> set[str]:
    entries = [{"item": item, "node": node} for item, node in placed.items()]
    document = {"kind": "placement", "status": "feasible", "placements": entries}
    found = sch.check(stated, PlacementSolution.model_validate(document))
    return {entry.constraint for entry in found} - {"objective"}
