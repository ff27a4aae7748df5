"""Changes of a fleet's request that may make an impossible plan possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from scheduling.models.serving.fleet import Choice, Fleet, short_precision
from scheduling.planner.loads import Load
from scheduling.planner.resolve import Resolved
from scheduling.planner.sized import duration

_OTHER_PRECISIONS = ("fp8", "w4a16", "w4a4kv4")
"""Precisions that are tried beside those allowed, best first."""

MOST_FACTOR = 64.0
"""Limits on cost and power, and targets, are loosened up to this factor."""

_MOST_STEPS = 16
"""Pools, limits of GPUs and moves grow up to this factor."""


@dataclass(frozen=True, eq=False)
class Knob:
    """One of the user's constraints, and the fleet with it loosened by a factor.

    Parameters
    ----------
    constraint
        The constraint, in the user's words.
    loosened
        From a fleet to the same with the constraint loosened by a factor above 1.
    words
        The change by that factor, for people.
    steps
        The factors that mean something, ascending; ``None`` for any.
    gradual
        Whether the factor measures the size of the change.
    """

    constraint: str
    loosened: Callable[[Resolved, float], Resolved]
    words: Callable[[float], str]
    steps: tuple[float, ...] | None = None
    gradual: bool = True

    @property
    def most(self) -> float:
        """The largest factor."""
        return MOST_FACTOR if self.steps is None else self.steps[-1]


def knobs(resolved: Resolved) -> Iterator[Knob]:
    """Yield every constraint that can be loosened."""
    yield from _limits(resolved)
    yield from _pools(resolved)
    for load in resolved.loads:
        for metric in load.targets:
            yield _target(resolved, load, metric)
    yield from _precisions(resolved)
    yield from _options(resolved)


def with_fleet(resolved: Resolved, **changes: Any) -> Resolved:
    """Return the fleet with some fields changed."""
    fleet: Fleet = resolved.fleet.model_copy(update=changes)
    return replace(resolved, fleet=fleet)


def same_templates(one: Resolved, other: Resolved) -> bool:
    """Tell whether two fleets differ in nothing that templates depend on."""
    parts = (
        (one.models, other.models),
        (one.pools, other.pools),
        (one.loads, other.loads),
        (one.fleet.options, other.fleet.options),
        (one.fleet.running, other.fleet.running),
    )
    return all(mine is theirs for mine, theirs in parts)


def _limits(resolved: Resolved) -> Iterator[Knob]:
    limits = resolved.fleet.limits
    named = (("gpus", "limit of GPUs", ""), ("cost_per_hour", "limit of cost", " $/h"))
    for field, name, unit in (*named, ("watts", "limit of power", " W")):
        value = getattr(limits, field)
        if value:
            yield _limit(field, name, unit, value)


def _limit(field: str, name: str, unit: str, value: float) -> Knob:
    def amount(factor: float) -> float:
        return round(value * factor) if isinstance(value, int) else value * factor

    def loosened(given: Resolved, factor: float) -> Resolved:
        limits = given.fleet.limits.model_copy(update={field: amount(factor)})
        return with_fleet(given, limits=limits)

    def words(factor: float) -> str:
        return f"{name} {amount(factor):,.4g}{unit} instead of {value:,.4g}{unit}"

    steps = None
    if isinstance(value, int):
        steps = tuple(step / value for step in range(value + 1, value * _MOST_STEPS + 1))
    return Knob(f"{name} of {value:,.4g}{unit}", loosened, words, steps)


def _pools(resolved: Resolved) -> Iterator[Knob]:
    for row, pool in enumerate(resolved.pools):

        def loosened(given: Resolved, factor: float, row: int = row) -> Resolved:
            old = resolved.pools[row]
            pools = list(given.pools)
            pools[row] = replace(old, nodes=round(old.nodes * factor))
            return replace(given, pools=tuple(pools))

        def words(factor: float, row: int = row) -> str:
            old = resolved.pools[row]
            more = round(old.nodes * (factor - 1))
            nodes = f"{more} more node{'s' * (more > 1)}"
            return f"{nodes} ({more * old.gpus_per_node} GPUs) in {old.name}"

        most = pool.nodes * _MOST_STEPS
        # A domain over several nodes grows by whole domains.
        stride = max(1, pool.domain_gpus // pool.gpus_per_node)
        steps = tuple(n / pool.nodes for n in range(pool.nodes + stride, most + 1, stride))
        yield Knob(f"{pool.gpus} GPUs in {pool.name}", loosened, words, steps)


def _target(resolved: Resolved, load: Load, metric: str) -> Knob:
    seconds, share = load.targets[metric]
    row = resolved.loads.index(load)
    name = f"{metric.upper()} of {load.demand}"

    def loosened(given: Resolved, factor: float) -> Resolved:
        loads = list(given.loads)
        targets = {**loads[row].targets, metric: (seconds * factor, share)}
        loads[row] = replace(loads[row], targets=targets)
        return replace(given, loads=tuple(loads))

    def words(factor: float) -> str:
        return f"{name} {duration(seconds * factor)} instead of {duration(seconds)}"

    return Knob(f"{name} within {duration(seconds)}", loosened, words)


def _precisions(resolved: Resolved) -> Iterator[Knob]:
    for row, model in enumerate(resolved.models):
        allowed = [short_precision(choice.precision) for choice in model.choices]
        for name in _OTHER_PRECISIONS:
            if name in allowed:
                continue

            def loosened(given: Resolved, _: float, row: int = row, name: str = name) -> Resolved:
                old = given.models[row]
                further = Choice.model_validate(name)
                models = list(given.models)
                models[row] = replace(old, choices=(*old.choices, further), min_quality=None)
                return replace(given, models=tuple(models))

            def words(_: float, name: str = name, model: str = model.name) -> str:
                return f"{name} allowed for {model}"

            constraint = f"precisions of {model.name}: {', '.join(allowed)}"
            yield Knob(constraint, loosened, words, (MOST_FACTOR,), gradual=False)


def _options(resolved: Resolved) -> Iterator[Knob]:
    options = resolved.fleet.options
    both = ("aggregated", "disaggregated")
    changes: list[tuple[str, str, dict[str, Any]]] = []
    if set(options.modes) != set(both):
        changes.append((f"only {options.modes[0]} replicas", "both modes", {"modes": both}))
    if options.max_types_per_role is not None:
        most = options.max_types_per_role
        text = f"at most {most} kind{'s' * (most > 1)} of replicas for a role"
        changes.append((text, "any number of kinds for a role", {"max_types_per_role": None}))
    for constraint, text, update in changes:

        def loosened(given: Resolved, _: float, update: dict[str, Any] = update) -> Resolved:
            return with_fleet(given, options=given.fleet.options.model_copy(update=update))

        def words(_: float, text: str = text) -> str:
            return text

        yield Knob(constraint, loosened, words, (MOST_FACTOR,), gradual=False)
    moves = resolved.fleet.max_changes
    if moves is not None:
        steps = tuple(
            (moves + more) / max(moves, 1)
            for more in range(1, _MOST_STEPS * max(moves, _MOST_STEPS))
        )
        yield Knob(
            f"at most {moves} replicas started or stopped",
            lambda given, factor: with_fleet(given, max_changes=round(max(moves, 1) * factor)),
            lambda factor: f"{round(max(moves, 1) * factor)} replicas started or stopped",
            steps,
        )
