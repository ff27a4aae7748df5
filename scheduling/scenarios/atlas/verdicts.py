"""Whether rows reproduce what was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scheduling.scenarios.scenario import Row, Target


class Verdict(StrEnum):
    """What the atlas says of a system."""

    REPRODUCED = "reproduced"
    BETTER = "better"
    NOT_REPRODUCED = "not reproduced"
    NEEDS_DATA = "needs data"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, and the row that stands for the system.

    Parameters
    ----------
    verdict
        The verdict.
    why
        What it rests on, in a sentence.
    row
        The row that stands for the system in tables; ``None`` without any.
    """

    verdict: Verdict
    why: str
    row: Row | None


def judge(targets: Sequence[Target], rows: Sequence[Row]) -> Judgement:
    """Hold rows against the targets of their scenario.

    All targets must be kept for «reproduced»; «better» if in addition one is beaten. The row that
    stands for the system is the first target's, or the first that does not keep a target.

    Parameters
    ----------
    targets
        At least one.
    rows
        What the scenario returned.
    """
    kept: list[tuple[Verdict, str, Row]] = []
    for target in targets:
        picked = [row for row in rows if target.picks(row)]
        if not picked:
            missing = f"no figure of {', '.join(target.row)} within the time"
            return Judgement(Verdict.NOT_REPRODUCED, missing, rows[0] if rows else None)
        for row in picked:
            verdict, why = _held(target, row)
            if verdict is Verdict.NOT_REPRODUCED:
                return Judgement(verdict, why, row)
            kept.append((verdict, why, row))
    beaten = next((entry for entry in kept if entry[0] is Verdict.BETTER), kept[0])
    return Judgement(beaten[0], beaten[1], kept[0][2])


def _held(target: Target, row: Row) -> tuple[Verdict, str]:
    found = target.figure(row)
    if found is None:
        return Verdict.NOT_REPRODUCED, f"{_what(target, row)}: none found"
    says = f"{_what(target, row)}: {found:.4g}, {_range(target)}"
    if target.at_least is not None and found < target.at_least:
        beaten = target.better == "less"
    elif target.at_most is not None and found > target.at_most:
        beaten = target.better == "more"
    else:
        return Verdict.REPRODUCED, says
    if beaten:
        return Verdict.BETTER, says
    return Verdict.NOT_REPRODUCED, f"{says}; {target.otherwise}" if target.otherwise else says


def _what(target: Target, row: Row) -> str:
    texts = {
        "ratio": f"{row.measure}, {row.method} over {row.baseline}",
        "value": f"{row.measure}, {row.method}",
        "gap": f"gap of {row.measure}, {row.method}",
    }
    return texts[target.of]


def _range(target: Target) -> str:
    low, high = target.at_least, target.at_most
    if low is None:
        return f"wanted at most {high:g}"
    if high is None:
        return f"wanted at least {low:g}"
    return f"wanted {low:g}" if low == high else f"wanted {low:g} to {high:g}"
