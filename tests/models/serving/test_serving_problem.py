"""Serving problems: faults, scales, packing rows, and what the checker catches."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.models.serving.packing import Packing, packings_of
from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.solvers.serving.family import CompiledServing
from tests.properties import examples
from tests.servings import serving_problems


def document(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": "serving",
        "pools": [
            {
                "id": "h",
                "gpu": "H100",
                "nodes": 4,
                "gpus_per_node": 8,
                "price_per_hour": 2.5,
                "watts": 700,
                "kv_bytes_per_second": 5e9,
            }
        ],
        "demands": [
            {
                "id": "chat",
                "model": "m",
                "requests_per_second": 6.0,
                "kv_bytes_per_request": 10**8,
            }
        ],
        "templates": [
            {
                "id": "p",
                "model": "m",
                "role": "prefill",
                "pool": "h",
                "layout": {"tp": 2},
                "rates": {"chat": 4.0},
                "ceilings": [0.5, 0.9],
            },
            {
                "id": "d",
                "model": "m",
                "role": "decode",
                "pool": "h",
                "layout": {"tp": 4},
                "rates": {"chat": 8.0},
            },
        ],
        "scenarios": [{"id": "peak", "all_demands": 1.2}],
    }
    return found | changes


FAULTS: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    ("twice", lambda d: d["pools"].append(d["pools"][0]), "'h' 2 times"),
    ("gpus", lambda d: d["pools"][0].update(gpus=3), "given beside gpus"),
    ("size", lambda d: d["pools"][0].update(nodes=None), "no size"),
    ("domain", lambda d: d["pools"][0].update(domain_gpus=3), "divisor or a multiple"),
    ("domains", lambda d: d["pools"][0].update(domain_gpus=24), "a divisor of the 32"),
    ("demand", lambda d: d["templates"][0].update(rates={"x": 1.0}), "the id of a demand"),
    ("model", lambda d: d["templates"][0].update(model="k"), "a demand of model 'k'"),
    ("pool", lambda d: d["templates"][0].update(pool="x"), "the id of a pool"),
    ("group", lambda d: d["templates"][0].update(layout={"tp": 16}), "at most the 8 GPUs"),
    ("falling", lambda d: d["templates"][0].update(ceilings=[0.9, 0.5]), "never fall"),
    ("scenario", lambda d: d["scenarios"][0].update(demands={"x": 2.0}), "the id of a demand"),
    ("running", lambda d: d.update(running=[{"template": "x", "replicas": 1}]), "of a template"),
    ("open", lambda d: d["demands"][0].update(requests_per_second=None), "unless the goals"),
    ("goals", lambda d: d.update(goals=["rate", "goodput"]), "one of the two"),
    ("price", lambda d: d["pools"][0].update(price_per_hour=None), "a price"),
    ("negative", lambda d: d["demands"][0].update(requests_per_second=-1.0), "greater than 0"),
]


@pytest.mark.parametrize(
    ("change", "expected"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_faults_are_named(change: Callable[[dict[str, Any]], None], expected: str) -> None:
    wrong = json.loads(json.dumps(document()))
    change(wrong)
    with pytest.raises(InputError, match=expected):
        ServingProblem.model_validate(wrong)


def test_all_faults_come_at_once() -> None:
    wrong = document(goals=["rate", "goodput"], running=[{"template": "x", "replicas": 1}])
    with pytest.raises(InputError) as caught:
        ServingProblem.model_validate(wrong)
    assert len(caught.value.faults) == 2


def solved() -> tuple[ServingProblem, dict[str, Any]]:
    problem = ServingProblem.model_validate(document())
    answer = sch.solve(problem, "mip", time_limit=1e6, workers=1)
    assert not sch.check(problem, answer)
    return problem, answer.model_dump(mode="json")


MUTATIONS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("objective", lambda a: a["tiers"][0].update(objective=a["tiers"][0]["objective"] - 1)),
    ("demand", lambda a: [f.update(micro_requests_per_second=1) for f in a["flows"]]),
    ("capacity", lambda a: a["fleets"][0].update(replicas=1, places=a["fleets"][0]["places"][:1])),
    ("roles", lambda a: a["flows"][0].update(micro_requests_per_second=1)),
    ("places", lambda a: a["fleets"][0].update(places=[])),
    ("places", lambda a: a["fleets"][0]["places"][0][0].update(gpus=1)),
    ("places", lambda a: a["fleets"][0]["places"][0][0].update(node=99)),
    (
        "pool",
        lambda a: [
            u.update(node=0, gpus=9) for f in a["fleets"] for uses in f["places"] for u in uses
        ],
    ),
    ("template", lambda a: a["fleets"][0].update(template="x")),
    ("scenario", lambda a: a["flows"][0].update(scenario="x")),
    ("site", lambda a: a.update(sites=[{"replicas": {"p": 1}, "places": [[0]]}])),
    ("status", lambda a: a.update(status="feasible")),
    ("bound", lambda a: a["tiers"][0].update(bound=10**9)),
]


@pytest.mark.parametrize(("constraint", "change"), MUTATIONS)
def test_mutations_are_caught(constraint: str, change: Callable[[dict[str, Any]], object]) -> None:
    problem, answer = solved()
    change(answer)
    found = sch.check(problem, ServingSolution.model_validate(answer))
    assert constraint in {violation.constraint for violation in found}


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"limits": {"gpus": 7}}, "gpus"),
        ({"limits": {"cost_per_hour": 19.9}}, "cost"),
        ({"limits": {"watts": 5000}}, "watts"),
        ({"limits": {"moves": 2}}, "moves"),
        ({"kv_affinity": "low"}, "site"),
    ],
)
def test_answers_of_a_looser_problem_are_caught(changes: dict[str, Any], constraint: str) -> None:
    _, answer = solved()
    tighter = ServingProblem.model_validate(document(**changes))
    found = sch.check(tighter, ServingSolution.model_validate(answer))
    assert constraint in {violation.constraint for violation in found}


def test_bandwidth_of_kv_caches_is_checked() -> None:
    _, answer = solved()
    narrow = document()
    narrow["pools"][0]["kv_bytes_per_second"] = 10**8
    found = sch.check(ServingProblem.model_validate(narrow), ServingSolution.model_validate(answer))
    assert "kv_bandwidth" in {violation.constraint for violation in found}


@examples(20, suppress_health_check=list(HealthCheck))
@given(problem=serving_problems(), suffix=st.sampled_from([".yaml", ".json"]))
def test_files_hold_problems_and_answers(
    problem: ServingProblem, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("serving")
    path, other = folder / f"fleet{suffix}", folder / "answer.json"
    sch.write(problem, path)
    assert sch.read(path) == problem
    answer = sch.solve(problem, "greedy", work_limit=1, workers=1)
    sch.write_solution(answer, other)
    assert sch.read_solution(other) == answer


@examples(200)
@given(data=st.data())
def test_rows_of_sizes_that_divide_are_exact(data: st.DataObject) -> None:
    capacity = data.draw(st.integers(1, 9))
    sizes = data.draw(st.sampled_from([(1,), (2, 1), (4, 2, 1), (6, 3), (8, 4), (6, 2, 1)]))
    sizes = tuple(size for size in sizes if size <= capacity)
    assume(sizes)
    bins = data.draw(st.integers(1, 3))
    counts = [data.draw(st.integers(0, 5)) for _ in sizes]
    packing = Packing(0, bins, capacity, sizes, {})
    assert all(large % small == 0 for large, small in pairwise(sizes))
    rows = [packing.weights(size) for size in sizes]
    held = all(
        sum(count * row[place] for count, row in zip(counts, rows, strict=True)) <= side
        for place, side in enumerate(packing.sides())
    )
    items = [size for size, count in zip(sizes, counts, strict=True) for _ in range(count)]
    assert held == packs(items, (capacity,) * bins)


def packs(items: list[int], rooms: tuple[int, ...]) -> bool:
    """Try every way."""
    if not items:
        return True
    tried = {room for room in rooms if room >= items[0]}
    for room in tried:
        index = rooms.index(room)
        after = (*rooms[:index], room - items[0], *rooms[index + 1 :])
        if packs(items[1:], after):
            return True
    return False


def test_groups_of_whole_nodes_take_nodes_from_smaller_ones() -> None:
    large, small = packings_of(0, 4, 4, 8, {8, 2, 3})
    assert (large.bins, large.capacity, large.sizes) == (2, 2, (2,))
    assert (small.bins, small.capacity, small.taken) == (4, 4, {8: 2})
    assert set(small.patterns) == {(1, 0), (0, 2)}


def test_dominated_templates_are_left_out_but_running_ones_stay() -> None:
    weak = {
        "id": "weak",
        "model": "m",
        "role": "decode",
        "pool": "h",
        "layout": {"tp": 4},
        "rates": {"chat": 7.0},
    }
    more = document(templates=[*document()["templates"], weak])
    assert len(CompiledServing(ServingProblem.model_validate(more)).arrays.templates) == 2
    runs = more | {"running": [{"template": "weak", "replicas": 1}]}
    assert len(CompiledServing(ServingProblem.model_validate(runs)).arrays.templates) == 3


def test_rates_far_apart_do_not_hide_the_better_template() -> None:
    # A rate in millionths times a busy time exceeds 64 bits here.
    fast = [
        {"id": name, "model": "m", "pool": "a", "rates": {"short": 10_000, "long": rate}}
        for name, rate in (("better", 1.2), ("worse", 1.0))
    ]
    fleet = ServingProblem.model_validate(
        {
            "kind": "serving",
            "pools": [{"id": "a", "gpu": "A", "gpus": 1}],
            "demands": [
                {"id": "short", "model": "m", "requests_per_second": 0.001},
                {"id": "long", "model": "m", "requests_per_second": 1.1},
            ],
            "templates": fast,
            "goals": ["gpus"],
        }
    )
    assert CompiledServing(fleet).arrays.templates.tolist() == [0]


@pytest.mark.parametrize(
    ("pool", "rates", "said"),
    [
        ({"gpus": 10}, {"chat": 10.0, "code": 1e-9}, "10 and 1e-09 requests a second"),
        ({"gpus": 10**7}, {"chat": 1e5, "code": 1e5}, "more than 64 bits hold"),
    ],
)
def test_rates_that_64_bits_do_not_hold_are_refused(
    pool: dict[str, Any], rates: dict[str, float], said: str
) -> None:
    fleet = ServingProblem.model_validate(
        {
            "kind": "serving",
            "pools": [{"id": "a", "gpu": "A", **pool}],
            "demands": [{"id": name, "model": "m"} for name in rates],
            "templates": [{"id": "t", "model": "m", "pool": "a", "rates": rates}],
            "goals": ["rate"],
        }
    )
    with pytest.raises(UnsupportedError, match=said):
        CompiledServing(fleet)


def test_sites_of_several_stages_keep_caches_on_their_nodes(tmp_path: Path) -> None:
    stages = document(kv_affinity="low", scenarios=[])
    for template in stages["templates"]:
        template["layout"] |= {"pp": 2}
    problem = ServingProblem.model_validate(stages)
    answer = sch.solve(problem, "cp-sat", time_limit=1e6, workers=1)
    assert answer.sites
    assert all(len(nodes) == 2 for site in answer.sites for nodes in site.places)
    assert not sch.check(problem, answer)
    sch.write_solution(answer, tmp_path / "answer.json")
    assert sch.read_solution(tmp_path / "answer.json") == answer
