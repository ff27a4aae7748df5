"""A layer of experts whose tokens are cut in parts: FSMoE's pipeline as a shop.

Each part is sent to other nodes, gathered within a node, worked on by experts, and sent back the
same way: a job of five operations on the links between nodes, the links within, and the GPU. An
operation takes a start-up time and its share of the work. How many parts are best is the least
makespan over a problem for each.

Pan and others, "FSMoE: a flexible and scalable training system for sparse mixture-of-experts
models", ASPLOS 2025. Inferred: constants of nodes with NVLink and 100 Gb/s network.
"""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.instances.schedule.assemble import build
from scheduling.models.schedule.problem import ScheduleProblem

INTER, INTRA, GPU = "inter", "intra", "gpu"
PASS = (INTER, INTRA, GPU, INTRA, INTER)
"""Resources of dispatch, gathering, experts, scattering and combining."""

START_SECONDS = {INTER: 6e-5, INTRA: 2e-5, GPU: 2e-5}
BANDWIDTH = {INTER: 12e9, INTRA: 120e9}
FLOPS = 120e12

_OPERATIONS = ("dispatch", "gather", "experts", "scatter", "combine")
_NANOSECONDS = 10**9


def pass_seconds(tokens: int, width: int, ratio: int, top: int) -> tuple[float, ...]:
    """Return the seconds of the operations of a forward pass when nothing is cut.

    Parameters
    ----------
    tokens
        Of a GPU.
    width, ratio
        Hidden size in two bytes, and how much wider experts are inside.
    top
        Experts of each token.
    """
    moved = tokens * top * width * 2.0
    flops = 2.0 * 2.0 * tokens * top * width * ratio * width
    inter, intra = moved / BANDWIDTH[INTER], moved / BANDWIDTH[INTRA]
    return inter, intra, flops / FLOPS, intra, inter


def cut_pass(seconds: Sequence[float], parts: int, name: str) -> ScheduleProblem:
    """State a pass in so many parts as a shop, in nanoseconds.

    Parameters
    ----------
    seconds
        Of each operation of :data:`PASS` when nothing is cut, without its start-up.
    parts
        Into how many parts the tokens are cut.
    name
        Of the problem.
    """
    durations = [
        round((START_SECONDS[resource] + work / parts) * _NANOSECONDS)
        for resource, work in zip(PASS, seconds, strict=True)
    ]
    jobs = [
        {
            "id": f"part-{part}",
            "chain": True,
            "tasks": [
                {
                    "id": f"{operation}-{part}",
                    "modes": [{"machine": resource, "duration": duration}],
                }
                for operation, resource, duration in zip(_OPERATIONS, PASS, durations, strict=True)
            ],
        }
        for part in range(parts)
    ]
    resources = [{"type": "machine", "id": resource} for resource in (INTER, INTRA, GPU)]
    return build(None, resources, jobs).model_copy(update={"name": name})


def expert_parts(
    *, tokens: int = 8192, width: int = 2048, ratio: int = 4, top: int = 1, parts: int = 4
) -> ScheduleProblem:
    """Generate a layer of experts whose tokens are cut in parts that overlap, in nanoseconds.

    Parameters
    ----------
    tokens
        Of a GPU.
    width, ratio
        Hidden size, and how much wider experts are inside.
    top
        Experts of each token.
    parts
        Into how many parts the tokens are cut.
    """
    name = f"expert-parts-{tokens}x{width}-{parts}"
    return cut_pass(pass_seconds(tokens, width, ratio, top), parts, name)
