"""FSMoE: into how many parts a layer of experts is cut, and where gradients are exchanged.

Tokens are sent to other nodes, gathered within a node, worked on by experts, and sent back; cut in
r parts, the links between nodes, those within, and the GPU work side by side. FSMoE models each
operation by ``alpha + beta size``, takes the largest of four expressions by which resource
dominates, and minimises over r. Then gradients are put into the times in which the links between
nodes are idle. Here r is compared with trying all of them on a simulated pipeline, whose bound is
that of its busiest resource, and the partition of gradients with the best one, of a problem of kind
``schedule``.

Inferred: constants of nodes with NVLink and 100 Gb/s network, and the grid of layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from scheduling.instances.schedule.expert_parts import (
    BANDWIDTH,
    INTER,
    NANOSECONDS,
    START_SECONDS,
    PartedLayer,
    cut_pass,
    pass_seconds,
)
from scheduling.instances.schedule.gradient_exchange import BackwardLayer, exchange_gradients
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

MOST_PARTS = 16
_SHOPS = 4
_LEAST_SECONDS = 0.5
_GRADIENT_LAYERS = 24
_GRADIENT_BYTES = 40e6
_GRADIENT_SECONDS = 5.0


def grid() -> Iterator[PartedLayer]:
    """Yield layers of different tokens, widths, and top-k."""
    for tokens, hidden, ratio, top in product(
        (2048, 8192, 32768), (1024, 2048, 4096), (2, 4), (1, 2)
    ):
        name = f"{tokens} tokens, {hidden} by {ratio * hidden}, top {top}"
        yield PartedLayer(name, pass_seconds(tokens, hidden, ratio, top))


def chosen_parts(layer: PartedLayer) -> int:
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


def best_parts(layer: PartedLayer) -> int:
    """Try all numbers of parts on the simulated pipeline."""
    return min(range(1, MOST_PARTS + 1), key=layer.simulated)


def hidden_greedily(layers: Sequence[BackwardLayer], start: float) -> float:
    """Seconds of gradients that are exchanged in idle windows, each behind its start-up.

    The backward pass goes through the layers in this order: the gradient of a layer is ready for
    the windows behind it. Each window takes what is ready, as much as fits.
    """
    ready = hidden = 0.0
    for layer in layers:
        taken = min(ready, max(0.0, layer.idle - start))
        hidden += taken
        ready += layer.gradient - taken
    return hidden


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
        value += answer.objective / NANOSECONDS
        bound += (answer.bound or 0) / NANOSECONDS
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


def gradient_layers() -> list[BackwardLayer]:
    """Take layers of the grid as those of a model, each with the same bytes of gradients."""
    layers = list(grid())
    gradient = _GRADIENT_BYTES / BANDWIDTH[INTER]
    rows = []
    for number in range(_GRADIENT_LAYERS):
        layer = layers[(7 * number) % len(layers)]
        parts = chosen_parts(layer)
        rows.append(BackwardLayer.of(layer, parts, layer.simulated(parts), gradient))
    return rows


def _gradients() -> Row:
    layers = gradient_layers()
    start = START_SECONDS[INTER]
    ends = sum(layer.busy + layer.idle for layer in layers)
    total = sum(layer.gradient for layer in layers)
    hidden = hidden_greedily(layers, start)
    answer = solve(exchange_gradients(layers, "gradients"), time_limit=_GRADIENT_SECONDS)
    linear = solve(exchange_gradients(layers, "no starts", start=0.0), time_limit=_GRADIENT_SECONDS)
    value = start + total - hidden
    bound, relaxed = (float(found.bound or 0) / NANOSECONDS - ends for found in (answer, linear))
    return Row(
        case=f"{len(layers)} layers of {_GRADIENT_BYTES / 1e6:.0f} MB of gradients",
        measure="milliseconds of exchange that are not hidden",
        baseline="all of it behind the pass",
        baseline_value=1e3 * (start + total),
        method="in idle windows, as they come",
        value=1e3 * value,
        gap=max(0.0, 1.0 - bound / value),
        published="the partition is found by differential evolution",
        verdict=f"{value / relaxed - 1:.2%} above the linear program, where starts cost nothing",
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
