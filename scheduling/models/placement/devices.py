"""GPUs as parts of nodes: whole ones, fractions of one, and MIG slices.

A GPU with MIG is divided into instances by profiles. A profile takes so many compute slices, and
neighbouring memory slices that may begin only at some of them; instances do not overlap. The
numbers are those that ``nvidia-smi mig -lgip`` and ``-lgipp`` print and that NVIDIA's user guide of
Multi-Instance GPU lists under supported profiles.
"""

from __future__ import annotations

from dataclasses import dataclass

from scheduling.errors import InputError
from scheduling.models.placement.parts import Part, Share

GPU = "gpu"
"""Kind of GPUs that are not divided by MIG."""

MILLI = "gpu-milli"
"""Their resource: thousandths of the GPU."""

WHOLE = 1000

COMPUTE, MEDIA = "compute", "media"


@dataclass(frozen=True, slots=True)
class MigProfile:
    """A profile of GPU instances.

    Attributes
    ----------
    compute
        Compute slices that it takes.
    memory
        Neighbouring memory slices that it takes.
    starts
        Memory slices at which it may begin.
    media
        Whether it takes the media extensions, which one instance at a time can have.
    """

    compute: int
    memory: int
    starts: tuple[int, ...]
    media: bool = False


def _seven_slices(one: str, two: str, four: str, eight: str) -> dict[str, MigProfile]:
    """Profiles of GPUs with 7 compute and 8 memory slices, named by the memory that they have."""
    every = tuple(range(7))
    return {
        f"1g.{one}": MigProfile(1, 1, every),
        f"1g.{one}+me": MigProfile(1, 1, every, media=True),
        f"1g.{two}": MigProfile(1, 2, (0, 2, 4, 6)),
        f"2g.{two}": MigProfile(2, 2, (0, 2, 4)),
        f"3g.{four}": MigProfile(3, 4, (0, 4)),
        f"4g.{four}": MigProfile(4, 4, (0,)),
        f"7g.{eight}": MigProfile(7, 8, (0,)),
    }


MIG: dict[str, dict[str, MigProfile]] = {
    "A30-24GB": {
        "1g.6gb": MigProfile(1, 1, (0, 1, 2, 3)),
        "1g.6gb+me": MigProfile(1, 1, (0, 1, 2, 3), media=True),
        "2g.12gb": MigProfile(2, 2, (0, 2)),
        "2g.12gb+me": MigProfile(2, 2, (0, 2), media=True),
        "4g.24gb": MigProfile(4, 4, (0,)),
    },
    "A100-40GB": _seven_slices("5gb", "10gb", "20gb", "40gb"),
    "A100-80GB": _seven_slices("10gb", "20gb", "40gb", "80gb"),
    "H100-80GB": _seven_slices("10gb", "20gb", "40gb", "80gb"),
    "H200-141GB": _seven_slices("18gb", "35gb", "71gb", "141gb"),
}
"""MIG profiles by model of the GPU and by name."""


def gpu(name: str, groups: dict[str, str] | None = None) -> Part:
    """Return a GPU of which items take thousandths.

    Parameters
    ----------
    name
        Its id on the node.
    groups
        Domains inside the node, such as ``{"nvlink": "0", "numa": "1"}``.
    """
    return Part(id=name, kind=GPU, capacity={MILLI: WHOLE}, groups=groups or {})


def gpu_share(count: int = 1, milli: int = WHOLE) -> Share:
    """Return what an item takes of GPUs: ``milli`` thousandths of each of ``count`` GPUs."""
    return Share(kind=GPU, count=count, options=({MILLI: milli},))


def mig_gpu(name: str, model: str, groups: dict[str, str] | None = None) -> Part:
    """Return a GPU that is divided by MIG, its profiles not chosen yet.

    Its kind is the model; its resources are ``compute`` slices, memory slices ``slice0`` and so on
    of 1 each, and ``media``.

    Parameters
    ----------
    name
        Its id on the node.
    model
        A key of :data:`MIG`.
    groups
        Domains inside the node.

    Raises
    ------
    InputError
        For a model that is not known.
    """
    profiles = _profiles(model)
    slices = max(profile.memory for profile in profiles.values())
    capacity = {COMPUTE: max(profile.compute for profile in profiles.values())}
    capacity |= {_slice(number): 1 for number in range(slices)}
    capacity[MEDIA] = 1
    return Part(id=name, kind=model, capacity=capacity, groups=groups or {})


def mig_share(model: str, profile: str, count: int = 1) -> Share:
    """Return what an item takes that asks for instances of a MIG profile.

    Parameters
    ----------
    model
        A key of :data:`MIG`.
    profile
        Name of a profile of it, such as ``2g.20gb``.
    count
        Number of instances, each on a GPU of its own.

    Raises
    ------
    InputError
        For a model or a profile that is not known.
    """
    profiles = _profiles(model)
    if profile not in profiles:
        known = f"one of {', '.join(profiles)}"
        raise InputError.single("profile", repr(profile), known)
    found = profiles[profile]
    extra = {MEDIA: 1} if found.media else {}
    options = tuple(
        {COMPUTE: found.compute, **extra}
        | {_slice(number): 1 for number in range(start, start + found.memory)}
        for start in found.starts
    )
    return Share(kind=model, count=count, options=options)


def _profiles(model: str) -> dict[str, MigProfile]:
    if model not in MIG:
        raise InputError.single("model", repr(model), f"one of {', '.join(MIG)}")
    return MIG[model]


def _slice(number: int) -> str:
    return f"slice{number}"
