"""A problem of a family in compiled form, as the driver needs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, Generic, TypeVar

from scheduling.models.base import Problem, Solution
from scheduling.solvers.registry import WHOLE, stated

P = TypeVar("P", bound=Problem)
A = TypeVar("A")
C = TypeVar("C")
S = TypeVar("S", bound=Solution)


@dataclass(frozen=True, eq=False)
class Compiled(ABC, Generic[P, A, C, S]):
    """A problem ``P`` with its arrays ``A``; candidates are ``C``, answers ``S``.

    Attributes
    ----------
    solution
        The family's class ``S``.
    """

    problem: P
    arrays: A = field(init=False)

    solution: ClassVar[type[Any]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", self.compiled(self.problem))

    @staticmethod
    @abstractmethod
    def compiled(problem: P) -> A:
        """Compile the arrays."""

    @property
    @abstractmethod
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""

    @property
    def senses(self) -> tuple[str, ...]:
        """``"min"`` or ``"max"`` for each tier; of the latter, values have the sign turned."""
        return ("min",) * len(self.tiers)

    @property
    def units(self) -> tuple[Fraction, ...]:
        """What one of the whole numbers that solvers minimise stands for in each tier."""
        return (WHOLE,) * len(self.tiers)

    @abstractmethod
    def bounds(self) -> list[int | None] | None:
        """Lower bound of each tier by formula; ``None`` when infeasible by formula."""

    def stated_bounds(self) -> dict[str, Any]:
        """Bound of each tier by formula as people state it; empty when infeasible by formula."""
        rows = zip(self.tiers, self.bounds() or (), self.senses, self.units, strict=False)
        return {name: stated(bound, sense, unit) for name, bound, sense, unit in rows}

    @abstractmethod
    def values(self, candidate: C) -> tuple[int, ...]:
        """Value of each tier."""

    @abstractmethod
    def candidate(self, solution: S) -> C | None:
        """Translate a solution, valid or not; ``None`` when it places only a part."""

    @abstractmethod
    def fields(self, candidate: C) -> dict[str, Any]:
        """Fields of the solution that say what a candidate is."""

    def answer(self, candidate: C | None, certificate: Mapping[str, Any]) -> S:
        """Build the family's solution from a candidate and the fields of the certificate."""
        said = {} if candidate is None else self.fields(candidate)
        answer: S = self.solution(problem=self.problem.name, **said, **certificate)
        return answer
