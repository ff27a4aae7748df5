"""GPUs and MIG slices as parts: what fits on one GPU."""

from __future__ import annotations

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.placement.devices import MIG, gpu, gpu_share, mig_gpu, mig_share
from scheduling.models.placement.problem import Item, Node, PlacementProblem


def unplaced(model: str, *profiles: str) -> int:
    """Instances that one GPU of a model cannot hold beside the others."""
    node = Node(id="host", capacity={}, parts=(mig_gpu("gpu", model),))
    items = tuple(
        Item(id=f"{number}", shares=(mig_share(model, profile),))
        for number, profile in enumerate(profiles)
    )
    problem = PlacementProblem(nodes=(node,), items=items)
    solution = sch.solve(problem, "cp-sat", work_limit=10, workers=1)
    assert solution.tiers[0].closed
    return int(solution.tiers[0].objective or 0)


@pytest.mark.parametrize(
    ("model", "profile", "most"),
    [
        ("A100-40GB", "1g.5gb", 7),
        ("A100-40GB", "1g.5gb+me", 1),
        ("A100-40GB", "1g.10gb", 4),
        ("A100-40GB", "2g.10gb", 3),
        ("A100-80GB", "3g.40gb", 2),
        ("H100-80GB", "4g.40gb", 1),
        ("H200-141GB", "7g.141gb", 1),
        ("A30-24GB", "2g.12gb", 2),
    ],
)
def test_instances_of_a_profile_on_one_gpu(model: str, profile: str, most: int) -> None:
    assert unplaced(model, *[profile] * (most + 1)) == 1


@pytest.mark.parametrize(
    ("profiles", "lost"),
    [
        (("4g.40gb", "3g.40gb"), 0),
        (("4g.40gb", "2g.20gb", "1g.10gb"), 0),
        (("3g.40gb", "3g.40gb", "1g.10gb"), 1),
        (("3g.40gb", "2g.20gb", "1g.20gb"), 0),
        (("7g.80gb", "1g.10gb"), 1),
        (("2g.20gb", "2g.20gb", "2g.20gb", "1g.20gb"), 0),
    ],
)
def test_mixed_instances_keep_to_compute_and_memory(profiles: tuple[str, ...], lost: int) -> None:
    assert unplaced("H100-80GB", *profiles) == lost


def test_every_option_of_every_profile_fits_an_empty_gpu() -> None:
    for model, profiles in MIG.items():
        capacity = mig_gpu("gpu", model).capacity
        for profile, stated in profiles.items():
            options = mig_share(model, profile).options
            assert len(options) == len(stated.starts)
            assert all(need <= capacity[name] for o in options for name, need in o.items())


def test_whole_gpus_and_fractions() -> None:
    node = Node(id="host", capacity={}, parts=(gpu("g0"), gpu("g1")))
    items = tuple(
        Item(id=name, shares=(gpu_share(count, milli),))
        for name, count, milli in (("a", 2, 600), ("b", 1, 400), ("c", 1, 400), ("d", 1, 1000))
    )
    problem = PlacementProblem(nodes=(node,), items=items)
    solution = sch.solve(problem, "cp-sat", work_limit=10, workers=1)
    placed = {entry.item for entry in solution.placements}
    assert len(placed) == 3
    assert not {"a", "d"} <= placed


def test_unknown_models_and_profiles_are_named() -> None:
    with pytest.raises(InputError, match="A100-40GB"):
        mig_gpu("gpu", "A100")
    with pytest.raises(InputError, match=r"1g\.5gb"):
        mig_share("A100-40GB", "1g.10gb+me")
