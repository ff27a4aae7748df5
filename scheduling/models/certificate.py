"""What every checker has in common: certificates, answers that state nothing, and lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from scheduling.models.base import Number, Solution, Status, TierValue, Violation, relative_gap


def certificate_violations(
    names: Sequence[str],
    values: Sequence[Number],
    solution: Solution,
    senses: Sequence[str] | None = None,
) -> Iterator[Violation]:
    """Yield every claim of a solution that its recomputed tier values do not bear out.

    Parameters
    ----------
    names, values
        Name and recomputed value of each tier.
    solution
        The answer.
    senses
        ``"min"`` or ``"max"`` for each tier; default: all are minimised.
    """
    if len(solution.tiers) != len(values):
        where = f"{len(solution.tiers)} tiers instead of {len(values)}"
        yield Violation("objective", where)
        return
    rows = zip(names, values, senses or ["min"] * len(names), solution.tiers, strict=True)
    claims = [entry for row in rows for entry in _claims(*row)]
    stated = [tier.name for tier in solution.tiers]
    if claims and stated != list(names):
        where = f"answers {', '.join(stated)}; the problem asks for {', '.join(names)}"
        yield Violation("objective", where)
        return
    yield from claims
    if all(tier.closed for tier in solution.tiers) != (solution.status is Status.OPTIMAL):
        yield Violation("status", f"{solution.status} does not follow from the bounds")
    reported = next((tier for tier in solution.tiers if not tier.closed), solution.tiers[0])
    summary = (solution.objective, solution.bound, solution.gap)
    if summary != (reported.objective, reported.bound, reported.gap):
        yield Violation("objective", f"summary differs from tier {reported.name!r}")


def _claims(name: str, value: Number, sense: str, stated: TierValue) -> Iterator[Violation]:
    if stated.sense != sense:
        yield Violation("objective", f"{name}: sense {stated.sense} instead of {sense}")
    if stated.objective != value:
        amount = None if stated.objective is None else abs(stated.objective - value)
        where = f"{name}: stated {stated.objective}, recomputed {value}"
        yield Violation("objective", where, amount, "units")
    beyond = 0 if stated.bound is None else stated.bound - value
    if sense == "max":
        beyond = -beyond
    if beyond > 0:
        side = "above" if sense == "min" else "below"
        yield Violation("bound", f"{name}: {stated.bound} {side} {value}", beyond, "units")
    if stated.gap != relative_gap(stated.objective, stated.bound):
        yield Violation("gap", f"{name}: {stated.gap}")


def claims_without_answer(
    solution: Solution, does: str | None, answer: str, solvable: str | None = None
) -> Iterator[Violation]:
    """Yield every claim of an answer whose status says that it holds no solution.

    Parameters
    ----------
    solution
        The answer, infeasible or of unknown status.
    does
        What it does all the same, as a verb and its object; ``None``: nothing.
    answer
        What the objective would have to be of.
    solvable
        Why the problem has a solution, where that is plain; ``None``: it may have none.
    """
    if solvable is not None and solution.status is Status.INFEASIBLE:
        yield Violation("status", f"infeasible although {solvable}")
    if does is not None:
        yield Violation("status", f"{solution.status} although it {does}")
    if solution.objective is not None:
        yield Violation("objective", f"{solution.objective} stated without {answer}")


def listing_violations(
    kind: str, listed: Iterable[str], known: Iterable[str], done: str, missing: str | None
) -> Iterator[Violation]:
    """Yield every name that an answer lists although it is unknown, several times or not at all.

    Parameters
    ----------
    kind
        What the names are of, such as ``"buffer"``; the constraint of the violations.
    listed
        Names in the answer.
    known
        Names in the problem.
    done, missing
        What is said of a name that is listed several times, and of one that is not, such as
        ``"placed"`` and ``"is not placed"``; ``None``: names need not be listed.
    """
    counts, names = Counter(listed), dict.fromkeys(known)
    for name, count in counts.items():
        if name not in names:
            yield Violation(kind, f"unknown {kind} {name!r}")
        elif count > 1:
            yield Violation(kind, f"{name!r} {done} {count} times")
    for name in names if missing is not None else ():
        if name not in counts:
            yield Violation(kind, f"{name!r} {missing}")
