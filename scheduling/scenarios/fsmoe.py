"""FSMoE: into how many parts a layer of experts is cut, and where gradients are exchanged.

Tokens are sent to other nodes, gathered within a node, worked on by experts, and sent back; cut in
r parts, the links between nodes, those within, and the GPU work side by side. FSMoE models each
operation by ``alpha + beta size``, takes the largest of four expressions by which resource
dominates, and minimises over r. Then gradients are put into the times in which the links between
nodes are idle. Here r is compared with trying all of them on a simulated pipeline, whose bound is
that of its busiest resource, and the partition of gradients with the linear program.

Inferred: constants of nodes with NVLink and 100 Gb/s network, and the grid of layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from scheduling.instances.schedule.expert_parts import (
    BANDWIDTH,
    GPU,
    INTER,
    INTRA,
    PASS,
    START_SECONDS,
    cut_pass,
    pass_seconds,
)
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

MOST_PARTS = 16
_SHOPS = 4
_LEAST_SECONDS = 0.5
_NANOSECONDS = 10**9
_GRADIENT_LAYERS = 24
_GRADIENT_BYTES = 40e6


@dataclass(frozen=True)
class Layer:
    """Seconds of each operation of a pass when nothing is cut, without its start-up."""

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


def grid() -> Iterator[Layer]:
    """Yield layers of different tokens, widths, and top-k."""
    for tokens, hidden, ratio, top in product(
        (2048, 8192, 32768), (1024, 2048, 4096), (2, 4), (1, 2)
    ):
        name = f"{tokens} tokens, {hidden} by {ratio * hidden}, top {top}"
        yield Layer(name, pass_seconds(tokens, hidden, ratio, top))


def chosen_parts(layer: Layer) -> int:
    """Minimise the largest expression over real r, and take the better integer beside it.

    Each expression is ``a + b r + c / r``, so their largest is convex in r and a search by thirds
    finds its least value.
    """
    low, high = 1.0, float(MOST_PARTS)
    for _ in range(80):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if layer.predicted(left) <= layer.predicted(right):
            high = right
        else:
            low = left
    return min((int(low), min(MOST_PARTS, int(low) + 1)), key=layer.predicted)


def best_parts(layer: Layer) -> int:
    """Try all numbers of parts on the simulated pipeline."""
    return min(range(1, MOST_PARTS + 1), key=layer.simulated)


def hidden_greedily(windows: Sequence[float], gradients: Sequence[float], alpha: float) -> float:
    """Seconds of gradients that are exchanged in idle windows, each start costing ``alpha``.

    The backward pass goes through the layers in this order: the gradient of a layer is ready for
    the windows behind it. Each window takes what is ready, as much as fits.
    """
    ready = hidden = 0.0
    for window, gradient in zip(windows, gradients, strict=True):
        taken = min(ready, max(0.0, window - alpha))
        hidden += taken
        ready += gradient - taken
    return hidden


def most_hidden(windows: Sequence[float], gradients: Sequence[float]) -> float:
    """Upper bound of what windows hide: the linear program without costs of starts."""
    from scheduling.solvers.linear.engines import find_engine
    from scheduling.solvers.linear.model import LinearModel
    from scheduling.solvers.linear.result import Limits, Listener

    count = len(windows)
    first, second = np.triu_indices(count, 1)
    model = LinearModel("gradients")
    moved = model.add_columns("moved", len(first), cost=-1.0)
    ones = np.ones(len(first))
    model.add_rows("gradient", count, first, moved, ones, upper=np.array(gradients))
    model.add_rows("window", count, second, moved, ones, upper=np.array(windows))
    listener = Listener(lambda _: None, lambda _: None, lambda: False)
    result = find_engine().solve(model, Limits(), listener, None)
    return 0.0 if result.values is None else float(result.values.sum())


def run(limits: Run) -> list[Row]:
    """Choose parts for every layer of the grid, and place gradients."""
    return [_parts(), _gradients(), _shops(limits)]


def _parts() -> Row:
    layers = list(grid())
    picked = [chosen_parts(layer) for layer in layers]
    best = [best_parts(layer) for layer in layers]
    whole = sum(layer.simulated(1) for layer in layers)
    value = sum(layer.simulated(parts) for layer, parts in zip(layers, picked, strict=True))
    tried = sum(layer.simulated(parts) for layer, parts in zip(layers, best, strict=True))
    bound = sum(
        min(layer.predicted(parts) for parts in range(1, MOST_PARTS + 1)) for layer in layers
    )
    same = sum(a == b for a, b in zip(picked, best, strict=True))
    return Row(
        case=f"{len(layers)} layers, up to {MOST_PARTS} parts",
        measure="milliseconds of a forward pass, mean",
        baseline="one part",
        baseline_value=1e3 * whole / len(layers),
        method="parts by the four expressions",
        value=1e3 * value / len(layers),
        gap=1.0 - bound / value,
        published="1.18 to 1.22 times faster than Tutel on 1458 layers",
        verdict=f"{same} of {len(layers)} as by trying all, {value / tried:.4f} of their time",
    )


def _shops(limits: Run) -> Row:
    """Solve some layers at the chosen parts as shops, to a bound over all orders of operations."""
    layers = list(grid())[:: len(list(grid())) // _SHOPS]
    value = bound = simulated = 0.0
    for number, layer in enumerate(layers):
        parts = chosen_parts(layer)
        seconds = max(_LEAST_SECONDS, limits.left / (len(layers) - number))
        answer = solve(cut_pass(layer.work, parts, layer.name), time_limit=seconds)
        simulated += layer.simulated(parts)
        value += answer.objective / _NANOSECONDS
        bound += (answer.bound or 0) / _NANOSECONDS
    return Row(
        case=f"{len(layers)} layers at the chosen parts, as shops",
        measure="milliseconds of a forward pass, mean",
        baseline="the better of two orders",
        baseline_value=1e3 * simulated / len(layers),
        method="auto",
        value=1e3 * value / len(layers),
        gap=1.0 - bound / value,
        published=None,
        verdict=f"no order is more than {max(0.0, simulated / bound - 1):.2%} faster",
    )


def _gradients() -> Row:
    layers = list(grid())
    windows = []
    for number in range(_GRADIENT_LAYERS):
        layer = layers[(7 * number) % len(layers)]
        parts = chosen_parts(layer)
        busy = parts * (layer.times(parts)[0] + layer.times(parts)[-1])
        windows.append(max(0.0, layer.simulated(parts) - busy))
    each = _GRADIENT_BYTES / BANDWIDTH[INTER]
    gradients = [each] * len(windows)
    hidden = hidden_greedily(windows, gradients, START_SECONDS[INTER])
    most = most_hidden(windows, gradients)
    total = sum(gradients)
    return Row(
        case=f"{len(windows)} layers of {_GRADIENT_BYTES / 1e6:.0f} MB of gradients",
        measure="milliseconds of exchange that are not hidden",
        baseline="all of it behind the pass",
        baseline_value=1e3 * total,
        method="in idle windows, as they come",
        value=1e3 * (total - hidden),
        gap=1.0 - (total - most) / (total - hidden),
        published="the partition is found by differential evolution",
        verdict=f"{hidden / most:.4f} of what the linear program hides",
    )


SCENARIO = Scenario(
    name="fsmoe",
    system="FSMoE: scheduling of sparse mixtures of experts in training",
    problem="pipeline degree of expert layers",
    wants="nothing: a grid of layers",
    run=run,
    targets=(
        Target(("^one part$",), at_most=1 / 1.18),
        Target(("four expressions",), of="gap", at_most=0.01),
        Target(("idle windows",), of="gap", at_most=0.01),
    ),
)
