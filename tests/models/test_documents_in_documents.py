"""Faults of documents inside documents are all told, with the place of the part before theirs."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling.errors import InputError
from scheduling.models.cost.layout import Layout
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.schedule.online import OnlineSchedule


def places(model: type[Any], data: dict[str, Any]) -> set[str]:
    with pytest.raises(InputError) as caught:
        model.model_validate(data)
    return {fault.place for fault in caught.value.faults}


def test_fields_and_rules_of_parts_are_told_with_the_faults_of_the_whole() -> None:
    kind = {"name": "a", "prompt": {"kind": "uniform", "low": 9, "high": 3}, "output": {}}
    data = {
        "kind": "requests",
        "nonsense": 1,
        "replica": {"model": "llama-3.1-8b", "gpu": "h100-sxm", "layout": {"tp": 4, "ep": 3}},
        "workload": {"classes": [kind]},
    }
    found = places(RequestScenario, data)
    assert "nonsense" in found
    assert "replica.layout.ep" in found
    assert "workload.classes[0].arrivals" in found
    assert any(place.startswith("workload.classes[0].prompt") for place in found)


def test_a_problem_inside_another_keeps_its_places() -> None:
    job = {"id": "j", "tasks": [{"id": "t", "modes": []}, {"id": "t", "modes": [{"duration": 1}]}]}
    found = places(OnlineSchedule, {"truth": {"kind": "schedule", "jobs": [job]}})
    assert found
    assert all(place.startswith("truth.") for place in found)


def test_what_is_found_and_expected_stays() -> None:
    with pytest.raises(InputError) as caught:
        Layout(tp=4, ep=3)
    alone = caught.value.faults[0]
    with pytest.raises(InputError) as caught:
        RequestScenario.model_validate(
            {"kind": "requests", "replica": {"model": "m", "layout": {"tp": 4, "ep": 3}}}
        )
    inside = {fault.place: fault for fault in caught.value.faults}["replica.layout.ep"]
    assert (inside.found, inside.expected) == (alone.found, alone.expected)
