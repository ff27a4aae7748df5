"""Gradients exchanged while a backward pass leaves the links between nodes idle: FSMoE's partition.

The backward pass goes through the layers; in each, the links between nodes carry tokens of experts
for a while and stand idle for the rest. The gradients of a layer are ready at its end, and bytes of
all that are ready go in each idle time as one exchange, behind its start-up. What no idle time
takes is exchanged behind the pass. The links are a machine that is closed while they carry tokens
and while an exchange starts up, gradients are tasks that it interrupts: the makespan is the least
over all partitions of the gradients, for an idle time that is not used costs nothing.

Pan and others, "FSMoE: a flexible and scalable training system for sparse mixture-of-experts
models", ASPLOS 2025. Inferred: that one exchange carries bytes of several layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduling.instances.schedule.assemble import build
from scheduling.instances.schedule.expert_parts import (
    BANDWIDTH,
    GPU,
    INTER,
    NANOSECONDS,
    PASS,
    START_SECONDS,
    PartedLayer,
    pass_seconds,
)
from scheduling.models.schedule.problem import ScheduleProblem


@dataclass(frozen=True, slots=True)
class BackwardLayer:
    """Seconds of the links between nodes in the backward pass of a layer.

    Parameters
    ----------
    busy
        In which they carry tokens.
    idle
        Behind that, until the layer ends.
    gradient
        That the exchange of the layer's gradients takes, without its start-up.
    """

    busy: float
    idle: float
    gradient: float

    @classmethod
    def of(cls, layer: PartedLayer, parts: int, seconds: float, gradient: float) -> BackwardLayer:
        """Count how long the links are busy and idle in a layer that takes so many seconds."""
        times = layer.times(parts)
        busy = parts * sum(
            time for time, resource in zip(times, PASS, strict=True) if resource == INTER
        )
        return cls(busy, max(0.0, seconds - busy), gradient)


def exchange_gradients(
    layers: Sequence[BackwardLayer], name: str, start: float = START_SECONDS[INTER]
) -> ScheduleProblem:
    """State the exchange of gradients beside and behind a backward pass, in nanoseconds.

    The makespan is the end of the last exchange.

    Parameters
    ----------
    layers
        In the order of the backward pass.
    name
        Of the problem.
    start
        Seconds in which an exchange starts up. With 0 the makespan is that of the linear program.
    """
    closed: list[dict[str, int]] = []
    jobs = []
    now, start_up = 0, round(start * NANOSECONDS)
    for number, layer in enumerate(layers):
        busy, idle = round(layer.busy * NANOSECONDS), round(layer.idle * NANOSECONDS)
        _close(closed, now, now + busy + min(start_up, idle))
        now += busy + idle
        duration = round(layer.gradient * NANOSECONDS)
        if not duration:
            continue
        task = {
            "id": f"gradient-{number}",
            "release": now,
            "interruptible": True,
            "modes": [{"machine": INTER, "duration": duration}],
        }
        jobs.append({"id": f"layer-{number}", "tasks": [task]})
    _close(closed, now, now + start_up)
    resources = [{"type": "machine", "id": INTER, "calendar": "idle"}]
    calendars = [{"id": "idle", "breaks": closed}]
    return build(None, resources, jobs, calendars=calendars).model_copy(update={"name": name})


def _close(closed: list[dict[str, int]], start: int, end: int) -> None:
    """Add a time to those in which the links take no gradients."""
    if closed and closed[-1]["end"] == start:
        closed[-1]["end"] = end
    elif end > start:
        closed.append({"start": start, "end": end})


def gradient_exchange(
    *,
    layers: int = 24,
    megabytes: float = 40.0,
    tokens: int = 8192,
    width: int = 2048,
    ratio: int = 4,
    top: int = 1,
    parts: int = 4,
    dense: float = 1.0,
    sigma: float = 0.5,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate gradients that are exchanged while a backward pass leaves links idle.

    Experts work twice as long backward as forward, on tokens that differ from layer to layer.

    Parameters
    ----------
    layers
        Layers of the model.
    megabytes
        Gradients of each.
    tokens, width, ratio, top, parts
        Median of the tokens of a GPU, and the layer, as for ``expert-parts``.
    dense
        Milliseconds of the rest of a layer, in which the links stand idle.
    sigma
        Standard deviation of the logarithm of the tokens.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    gradient = megabytes * 1e6 / BANDWIDTH[INTER]
    rows = []
    for factor in np.exp(sigma * rng.standard_normal(layers)):
        work = list(pass_seconds(max(1, round(tokens * factor)), width, ratio, top))
        work[PASS.index(GPU)] *= 2
        layer = PartedLayer("backward", tuple(work))
        seconds = dense / 1e3 + layer.predicted(parts)
        rows.append(BackwardLayer.of(layer, parts, seconds, gradient))
    return exchange_gradients(rows, f"gradient-exchange-{layers}-s{seed}")
