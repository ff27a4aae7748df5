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
from dataclasses import dataclass

from scheduling.instances.schedule.assemble import build
from scheduling.models.schedule.problem import ScheduleProblem

INTER, INTRA, GPU = "inter", "intra", "gpu"
PASS = (INTER, INTRA, GPU, INTRA, INTER)
"""Resources of dispatch, gathering, experts, scattering and combining."""

START_SECONDS = {INTER: 6e-5, INTRA: 2e-5, GPU: 2e-5}
BANDWIDTH = {INTER: 12e9, INTRA: 120e9}
FLOPS = 120e12

_OPERATIONS = ("dispatch", "gather", "experts", "scatter", "combine")
NANOSECONDS = 10**9
"""Times of the problems are in nanoseconds."""


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


@dataclass(frozen=True)
class PartedLayer:
    """A layer of experts whose tokens are cut in parts, as FSMoE models it.

    Parameters
    ----------
    name
        For people.
    work
        Seconds of each operation of :data:`PASS` when nothing is cut, without its start-up.
    """

    name: str
    work: tuple[float, ...]

    def times(self, parts: float) -> tuple[float, ...]:
        """Seconds of each operation of one of so many parts."""
        rows = zip(PASS, self.work, strict=True)
        return tuple(START_SECONDS[resource] + work / parts for resource, work in rows)

    def predicted(self, parts: float) -> float:
        """Largest of the four expressions: one for each resource, and one for a single part.

        A resource works on all parts, behind what the first part needs before it and before what
        the last part needs behind it.
        """
        times = self.times(parts)
        found = [sum(times)]
        for resource in (INTER, INTRA, GPU):
            own = [number for number, name in enumerate(PASS) if name == resource]
            all_parts = parts * sum(times[number] for number in own)
            found.append(sum(times[: own[0]]) + all_parts + sum(times[own[-1] + 1 :]))
        return max(found)

    def simulated(self, parts: int) -> float:
        """Seconds of the pipeline, with the better of two orders on each resource."""
        return min(self._run(parts, earliest=True), self._run(parts, earliest=False))

    def _run(self, parts: int, *, earliest: bool) -> float:
        """Run operations as they become ready; of ready ones the first part's, or the first ones.

        No resource waits for an operation that is not ready while another one is.
        """
        times = self.times(parts)
        ready = [0.0] * parts
        step = [0] * parts
        free = {INTER: 0.0, INTRA: 0.0, GPU: 0.0}
        end = 0.0
        for _ in range(parts * len(times)):
            waiting = [part for part in range(parts) if step[part] < len(times)]

            def start(part: int) -> float:
                return max(ready[part], free[PASS[step[part]]])

            def key(part: int) -> tuple[float, int]:
                return start(part), part if earliest else step[part] * parts + part

            pick = min(waiting, key=key)
            done = start(pick) + times[step[pick]]
            free[PASS[step[pick]]] = ready[pick] = done
            step[pick] += 1
            end = max(end, done)
        return end


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
        round((START_SECONDS[resource] + work / parts) * NANOSECONDS)
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
