"""Which constraints bind a plan, and what a little more of each would be worth.

Each constraint of the fleet is loosened by its next unit (a node, a GPU, a tenth), the templates
are enumerated anew where they depend on it, and the relaxation of the choice between them says how
the first goal changes. A constraint binds when it does. The relaxation lets replicas be parts of
one, so it tells the direction and the size, not the next whole plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.units import natural
from scheduling.planner.candidates import Candidate, Candidates
from scheduling.planner.clock import Clock
from scheduling.planner.layouts import PoolFacts
from scheduling.planner.relaxing import Knob, knobs, same_templates
from scheduling.planner.resolve import Resolved
from scheduling.planner.stating import state
from scheduling.planner.templates import Memo, candidates
from scheduling.solvers.serving.relaxed import relaxed_value

_MORE = 1.1
"""Factor of constraints that have no next unit."""

_BUSIER = 1.01
"""Factor on the ceilings of utilisation."""

_NOTHING = 1e-6
"""Share of the goal's value below which a change of it is rounding."""


@dataclass(frozen=True, slots=True)
class Worth:
    """A constraint and what loosening it a little would bring.

    Parameters
    ----------
    constraint
        The constraint, in the user's words.
    change
        By how much it is loosened.
    goal
        The goal that the change is measured in, the fleet's first.
    value
        Change of the goal's value in the relaxation, in its natural unit; negative is better for
        goals that are minimised.
    binds
        Whether it changes anything.
    """

    constraint: str
    change: str
    goal: str
    value: float
    binds: bool

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "constraint": self.constraint,
            "change": self.change,
            "goal": self.goal,
            "worth": self.value,
            "binds": self.binds,
        }


@dataclass(frozen=True, slots=True)
class Worths:
    """What the constraints of a plan are worth.

    Parameters
    ----------
    entries
        One for each constraint that was tried.
    complete
        Whether all were tried in the time.
    """

    entries: tuple[Worth, ...] = ()
    complete: bool = True


def worths(
    resolved: Resolved, plan: ServingPlan, among: Candidates, clock: Clock, memo: Memo
) -> Worths:
    """Say what loosening each constraint of a plan is worth, as far as the time allows.

    Constraints are how busy replicas may be, limits, pools, latency targets, changes against the
    running plan, and of each pool in use the memory of its GPUs and the network for KV caches.

    Parameters
    ----------
    resolved
        The fleet.
    plan
        Its plan.
    among
        The kinds of replicas that it was chosen from.
    clock
        When to end.
    memo
        Of the enumeration of ``among``.
    """
    if not among.complete:
        return Worths(complete=False)
    kept = among.kept
    goal = resolved.fleet.goals[0]

    def value(fleet: Resolved, chosen: Sequence[Candidate]) -> float | None:
        return natural(goal, relaxed_value(state(fleet, chosen), clock.left()))

    base = value(resolved, kept)
    if base is None:
        return Worths(complete=False)
    found = []

    def add(constraint: str, change: str, reached: float | None) -> None:
        if reached is not None:
            more = reached - base
            # Rounded up to whole replicas, a relaxation may also rise where more is possible.
            better = more > 0 if goal == "goodput" else more < 0
            binds = better and abs(more) > _NOTHING * max(abs(base), abs(reached))
            found.append(Worth(constraint, change, goal, more if binds else 0.0, binds))

    busier = [replace(one, derate=one.derate * _BUSIER) for one in kept]
    change = f"{100 * (_BUSIER - 1):.0f} % busier"
    add("ceilings of utilisation", change, value(resolved, busier))
    for knob in _knobs(resolved, {component.pool for component in plan.components}):
        if clock.over:
            return Worths(tuple(found), complete=False)
        factor = knob.steps[0] if knob.steps else _MORE
        changed = knob.loosened(resolved, factor)
        chosen = kept
        if not same_templates(changed, resolved):
            anew = candidates(changed, clock=clock, memo=memo)
            if not anew.complete:
                return Worths(tuple(found), complete=False)
            chosen = _with_known(anew.kept, kept)
        add(knob.constraint, knob.words(factor), value(changed, chosen))
    return Worths(tuple(found), complete=not clock.over)


def _with_known(anew: Sequence[Candidate], known: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the templates of a loosened fleet and those known before, which all stay possible.

    A template sized anew may be the worse one here: more memory lets a batch grow until it needs
    more replicas to stay as busy as they may be.
    """
    sized = {one.id: one.sized for one in anew}
    return (
        *anew,
        *(
            replace(one, id=f"{one.id}-before") if one.id in sized else one
            for one in known
            if sized.get(one.id) != one.sized
        ),
    )


def _knobs(resolved: Resolved, used: set[str]) -> Iterator[Knob]:
    """Yield what can be loosened gradually; of GPUs that are not in use only their number."""
    for knob in knobs(resolved):
        if knob.gradual:
            yield knob
    for row, pool in enumerate(resolved.pools):
        if pool.name in used:
            yield from _hardware(resolved, row)


def _hardware(resolved: Resolved, row: int) -> Iterator[Knob]:
    """Yield the facts of a pool's GPUs that keep batches small and caches where they are."""
    pool = resolved.pools[row]
    yield _fact(
        row,
        f"memory of {pool.name}",
        f"{(_MORE - 1) * pool.gpu.memory_bytes / 1e9:.0f} GB more a GPU",
        lambda old, factor: {"memory_bytes": round(old.gpu.memory_bytes * factor)},
    )
    if "disaggregated" in resolved.fleet.options.modes:
        yield _fact(
            row,
            f"KV bandwidth of {pool.name}",
            f"{(_MORE - 1) * pool.gpu.network_bandwidth / 1e9:.3g} GB/s more a GPU",
            lambda old, factor: {"network_bandwidth": old.gpu.network_bandwidth * factor},
        )


def _fact(
    row: int, name: str, change: str, changed: Callable[[PoolFacts, float], dict[str, float]]
) -> Knob:
    def loosened(given: Resolved, factor: float) -> Resolved:
        pools = list(given.pools)
        old = pools[row]
        gpu = old.gpu.model_copy(update=changed(old, factor))
        pools[row] = replace(old, gpu=gpu)
        return replace(given, pools=tuple(pools))

    return Knob(name, loosened, lambda _: change)
