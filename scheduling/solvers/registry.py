"""The registry: which families exist and which solvers each of them has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from typing import Any, Generic, Protocol, TypeVar

from scheduling.errors import UnsupportedError
from scheduling.models.base import (
    Number,
    Problem,
    TierValue,
    Violation,
    relative_gap,
)
from scheduling.solvers.board import Board, Budget

C = TypeVar("C")
D = TypeVar("D", contravariant=True)


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a solver can run here, and if not, why and what to do about it."""

    ready: bool
    detail: str = ""

    def __bool__(self) -> bool:
        return self.ready


READY = Availability(True)


def installed(module: str, name: str) -> Availability:
    """Tell whether the engine of a module is installed, without loading it.

    Parameters
    ----------
    module
        Its import name, which is also the name of its package.
    name
        What people call it.
    """
    if find_spec(module) is None:
        return Availability(False, f"{name} is missing; install it with: pip install {module}")
    return READY


class Solver(Protocol[D, C]):
    """One way to solve a family's problems.

    ``D`` is the compiled form of the problem, ``C`` a candidate solution in compiled form.

    Attributes
    ----------
    name
        Name on the command line.
    summary
        One line for people.
    """

    name: str
    summary: str

    def availability(self) -> Availability:
        """Tell whether its engine is there, without loading it."""
        ...

    def refusal(self, data: D) -> str | None:
        """Tell why it cannot take this problem, and the way out; ``None`` when it can."""
        ...

    def search(self, data: D, board: Board[C], budget: Budget, hint: C | None) -> None:
        """Improve the board until it stops or the budget is spent.

        Candidates and bounds are posted as they are found. The search ends by itself soon after
        ``board.stopped`` is set or ``budget.deadline`` has passed.
        """
        ...


@dataclass(frozen=True)
class Family(Generic[C]):
    """A problem family: how to compile, check and solve its problems.

    Parameters
    ----------
    kind
        Value of ``kind`` in files.
    compile
        From the problem to its :class:`~scheduling.solvers.compiled.Compiled` form.
    check
        The independent checker.
    home
        Package of its solvers. Its module ``profile`` has a function ``profile`` from a compiled
        problem to what is in it, as plain values for people.
    solvers
        Name to ``"module:attribute"`` in that package of each solver; loaded when used.
    """

    kind: str
    compile: Callable[[Any], Any]
    check: Callable[[Any, Any], list[Violation]]
    home: str
    solvers: Mapping[str, str]

    def describe(self, problem: Problem) -> dict[str, Any]:
        """Return what is in a problem: sizes, features, bounds by formula, solvers that take it."""
        data = self.compile(problem)
        facts: dict[str, Any] = self._load("profile:profile")(data)
        return {
            "kind": problem.kind,
            "objective": list(data.tiers),
            **facts,
            "bounds_by_formula": data.stated_bounds(),
            "solvers": self.takers(data),
        }

    def takers(self, data: Any) -> list[str]:
        """Return the names of the solvers that are there and take a compiled problem."""
        ready = ((name, self.solver(name)) for name in self.solvers)
        return [name for name, found in ready if found.availability() and not found.refusal(data)]

    def solver(self, name: str) -> Solver[Any, C]:
        """Load a solver by name.

        Raises
        ------
        UnsupportedError
            When the family has no such solver, and the message lists those it has; or when it
            takes no choice behind a colon.
        """
        base, _, engine = name.partition(":")
        if base not in self.solvers:
            known = sorted(self.solvers)
            raise UnsupportedError.unknown("solver", name, known, used=f" for {self.kind}")
        solver = self._load(self.solvers[base])
        if engine and not _takes_text(solver):
            raise UnsupportedError(f"solver {base!r} takes nothing behind its name, found {name!r}")
        found: Solver[Any, C] = solver(engine) if engine else solver()
        return found

    def _load(self, place: str) -> Any:
        return _named(f"{self.home}.{place}")


def _takes_text(solver: Callable[..., Any]) -> bool:
    """Tell whether what stands behind a solver's name is for it."""
    first = next(iter(signature(solver).parameters.values()), None)
    return first is not None and "str" in str(first.annotation).split(" | ")


def _named(place: str) -> Any:
    """Load ``"module:attribute"``."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


_FAMILIES = {
    "allocation": "scheduling.solvers.allocation.family:FAMILY",
    "batching": "scheduling.solvers.batching.family:FAMILY",
    "caching": "scheduling.solvers.caching.family:FAMILY",
    "checkpoint": "scheduling.solvers.checkpoint.family:FAMILY",
    "experts": "scheduling.solvers.experts.family:FAMILY",
    "federated": "scheduling.solvers.federated.family:FAMILY",
    "leaf-spine": "scheduling.solvers.spines.family:FAMILY",
    "loop": "scheduling.solvers.loop.family:FAMILY",
    "memory": "scheduling.solvers.memory.family:FAMILY",
    "offload": "scheduling.solvers.offload.family:FAMILY",
    "packing": "scheduling.solvers.packing.family:FAMILY",
    "ordering": "scheduling.solvers.ordering.family:FAMILY",
    "pipeline": "scheduling.solvers.pipeline.family:FAMILY",
    "placement": "scheduling.solvers.placement.family:FAMILY",
    "prefill": "scheduling.solvers.prefill.family:FAMILY",
    "ring": "scheduling.solvers.ring.family:FAMILY",
    "schedule": "scheduling.solvers.schedule.family:FAMILY",
    "serving": "scheduling.solvers.serving.family:FAMILY",
    "spot": "scheduling.solvers.spot.family:FAMILY",
    "table": "scheduling.solvers.table.family:FAMILY",
    "tiers": "scheduling.solvers.tiers.family:FAMILY",
}


_WAYS_OUT = {
    "fleet": "plan them: plan, and plan --explain where there is no plan",
}
"""What to do with kinds of problems that are not solved."""


def is_solved(problem: Problem) -> bool:
    """Return whether there is a family that solves problems of this kind."""
    return problem.kind in _FAMILIES


def families() -> tuple[Family[Any], ...]:
    """Return all families that have solvers."""
    return tuple(_named(place) for place in _FAMILIES.values())


def family_of(problem: Problem) -> Family[Any]:
    """Return the family that solves ``problem``.

    Raises
    ------
    UnsupportedError
        When no solver takes problems of its kind; it says what does.
    """
    if not is_solved(problem):
        way_out = _WAYS_OUT.get(problem.kind, "run policies on them: simulate")
        raise UnsupportedError(f"problems of kind {problem.kind!r} have no solvers; {way_out}")
    family: Family[Any] = _named(_FAMILIES[problem.kind])
    return family


def tier_values(
    names: Sequence[str],
    values: Sequence[Number | None],
    bounds: Sequence[Number | None],
    senses: Sequence[str] | None = None,
    units: Sequence[Fraction] | None = None,
) -> list[TierValue]:
    """Put together what is known of each tier: its value, its bound and the gap between them.

    Values and bounds are those of solvers, which minimise whole numbers throughout; ``senses`` says
    which tiers they turned the sign of (``"max"``; default: none), and ``units`` what one of
    their units is (default: 1).
    """
    count = len(names)
    rows = zip(
        names, values, bounds, senses or ["min"] * count, units or [WHOLE] * count, strict=True
    )
    found = [
        (name, sense, stated(value, sense, unit), stated(bound, sense, unit))
        for name, value, bound, sense, unit in rows
    ]
    return [
        TierValue(
            name=name,
            sense=sense,
            objective=value,
            bound=bound,
            gap=relative_gap(value, bound),
        )
        for name, sense, value, bound in found
    ]


WHOLE = Fraction(1)


def stated(value: Number | None, sense: str, unit: Fraction = WHOLE) -> Number | None:
    """Return a solver's value as people state it.

    Parameters
    ----------
    value
        In the solver's units; ``None`` when unknown.
    sense
        ``"max"`` where solvers turn the sign.
    unit
        What one of the solver's units is; 1 leaves whole numbers whole.
    """
    if value is None:
        return None
    signed = -value if sense == "max" else value
    return signed if unit == WHOLE else float(Fraction(signed) * unit)
