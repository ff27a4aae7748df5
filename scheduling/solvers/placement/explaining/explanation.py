"""What is said of items that stand nowhere: reasons, conflicts, and changes that admit them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from scheduling.models.base import Solution, Status
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.explain import Label

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Change:
    """A change and what it brings: solved with it, and checked.

    Attributes
    ----------
    change
        In words.
    admitted
        Items that stand nowhere without the change and somewhere with it.
    displaced
        Items that stand somewhere without it and nowhere with it.
    moved
        ``(item, node)``: running items that change their place with it, and where they go.
    evicted
        Running items that stand nowhere with it.
    proven
        Whether the placement with the change is proven best; for further nodes, whether fewer are
        proven not to be enough.
    problem, solution
        The changed problem, and its placement.
    """

    change: str
    admitted: tuple[str, ...]
    displaced: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]
    evicted: tuple[str, ...]
    proven: bool
    problem: PlacementProblem = field(repr=False, compare=False)
    solution: PlacementSolution = field(repr=False, compare=False)

    @property
    def disturbed(self) -> int:
        """Number of running items that are moved or evicted with it."""
        return len(self.moved) + len(self.evicted)

    def __str__(self) -> str:
        moves = [f"{item} moves to {node}" for item, node in self.moved[:_SHOWN]]
        evictions = [f"{item} is evicted" for item in self.evicted[:_SHOWN]]
        more = self.disturbed - len(moves) - len(evictions)
        rest = [f"{more} more are moved or evicted"] if more else []
        effects = ", ".join((*moves, *evictions, *rest))
        return f"{self.change} ({effects})" if effects else self.change

    def record(self) -> dict[str, Any]:
        """Return plain values, without problem and solution."""
        return {
            "change": self.change,
            "admitted": list(self.admitted),
            "displaced": list(self.displaced),
            "moved": [{"item": item, "node": node} for item, node in self.moved],
            "evicted": list(self.evicted),
            "disturbed": self.disturbed,
            "proven": self.proven,
        }


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Equal items, or a gang, that stand nowhere.

    Attributes
    ----------
    items
        Their names.
    reasons
        ``(number of nodes, why)`` for one of them, the commonest first: what excludes the nodes, as
        kube-scheduler says it; empty when no time was left.
    proven
        Whether it is proven that no placement holds one of them beside all other items of their
        priority or higher ones that are placed.
    conflict
        Constraints that cannot all be met, in words.
    is_minimal
        Whether the conflict vanishes as soon as any one of its members is left out.
    remedy
        The cheapest change that admits one of them: fewest items displaced, then disturbed, most
        admitted; ``None`` where none was found.
    """

    items: tuple[str, ...]
    reasons: tuple[tuple[int, str], ...]
    proven: bool = False
    conflict: tuple[Label, ...] = ()
    is_minimal: bool = False
    remedy: Change | None = None

    def record(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "items": list(self.items),
            "reasons": [{"nodes": count, "reason": why} for count, why in self.reasons],
            "proven": self.proven,
            "conflict": [asdict(label) for label in self.conflict],
            "is_minimal": self.is_minimal,
            "remedy": None if self.remedy is None else self.remedy.record(),
        }


@dataclass(frozen=True, slots=True)
class PlacementExplanation:
    """Why items stand nowhere, or that all have a place.

    Attributes
    ----------
    status
        ``FEASIBLE``: ``solution`` places every item. ``INFEASIBLE``: for some items that it leaves
        out this is proven. ``UNKNOWN``: neither was shown in time.
    left_out
        The items that ``solution`` leaves out, those of high priority first.
    changes
        What would admit some of them, that which admits most first.
    solution
        The placement that is explained.
    seconds
        Wall time.
    """

    status: Status
    left_out: tuple[LeftOut, ...] = ()
    changes: tuple[Change, ...] = ()
    solution: Solution | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.status is Status.FEASIBLE:
            return "Every item has a place."
        lines: list[str] = []
        for group in self.left_out:
            more = f" and {len(group.items) - 1} like it" if len(group.items) > 1 else ""
            proof = "cannot be placed" if group.proven else "found no place"
            lines.append(f"{group.items[0]}{more} {proof}:")
            lines += [f"  {count} nodes: {why}" for count, why in group.reasons]
            if not group.reasons:
                lines.append("  no time was left to say why")
            if group.conflict:
                lines.append("  These cannot all hold:")
                lines += [f"  - {label}" for label in group.conflict]
            if group.remedy is not None:
                lines.append(f"  Cheapest change that admits it: {group.remedy}")
        return "\n".join(lines) or "Not settled within the time limit."

    def record(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        solution = self.solution
        return {
            "status": self.status,
            "unplaced": [group.record() for group in self.left_out],
            "changes": [change.record() for change in self.changes],
            "solution": None if solution is None else solution.model_dump(mode="json"),
            "seconds": self.seconds,
        }
