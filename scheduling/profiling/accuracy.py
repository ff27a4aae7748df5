"""How far the roofline is from a profile, before and after calibration on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from scheduling.models.cost.calibration import Anchor, calibrate, median_error
from scheduling.models.cost.efficiency import Efficiency
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.operators import Expert, Heads, Operators
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.profile import AttentionStep, ExpertLayer, OperatorProfile, Product

_MOST = 150
"""Rows of each kind that calibration looks at."""

Row = Product | AttentionStep | ExpertLayer


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Median errors of the roofline against rows of one kind, as shares.

    Parameters
    ----------
    operator
        Kind of the rows.
    rows
        How many there are.
    before, after
        With the default terms, and with those calibrated on all kinds together.
    """

    operator: str
    rows: int
    before: float
    after: float


def accuracy(profile: OperatorProfile, gpu: Gpu) -> tuple[list[Accuracy], Efficiency]:
    """Compare the roofline with a profile and calibrate it.

    Returns
    -------
    tuple
        Errors by kind of operator, and the calibrated terms. Nothing and the defaults for a profile
        without products, attention and experts.
    """
    attention = profile.attention
    rows: dict[str, Sequence[Row]] = {
        "products": profile.products,
        "prefill attention": [row for row in attention if row.phase == "prefill"],
        "decode attention": [row for row in attention if row.phase == "decode"],
        "experts": profile.experts,
    }
    kinds = {name: _anchors(name, found, gpu) for name, found in rows.items() if found}
    terms = Efficiency()
    if not kinds:
        return [], terms
    sample = [
        anchor for anchors in kinds.values() for anchor in anchors[:: 1 + len(anchors) // _MOST]
    ]
    fitted = calibrate(sample, terms, trust=0.5, noise=0.2).terms
    found = [
        Accuracy(name, len(anchors), median_error(anchors, terms), median_error(anchors, fitted))
        for name, anchors in kinds.items()
    ]
    return found, fitted


def _anchors(name: str, rows: Sequence[Row], gpu: Gpu) -> list[Anchor]:
    return [
        Anchor(f"{name}, row {number}", row.seconds, partial(_seconds, gpu, row))
        for number, row in enumerate(rows, 1)
    ]


def _seconds(gpu: Gpu, row: Row, terms: Efficiency) -> float:
    """Return the seconds that the formula of its operator gives for a row."""
    if isinstance(row, AttentionStep):
        return _attention(gpu, row, terms)
    operators = Operators(gpu, Precision(weights=row.weights, compute=row.compute), terms)
    if isinstance(row, Product):
        return operators.product(row.rows, row.n, row.k).seconds
    shape = Expert(
        row.hidden, row.ffn, 3, row.total, row.active, shared_ffn=0, tp=row.tp, ep=row.ep
    )
    return operators.experts(shape, row.tokens).seconds


def _attention(gpu: Gpu, row: AttentionStep, terms: Efficiency) -> float:
    operators = Operators(gpu, Precision(kv=row.kv), terms)
    shape = Heads(row.heads, row.kv_heads, row.head_dim, None)
    total = row.requests * row.tokens
    if row.phase == "decode":
        return operators.decode_attention(shape, row.requests, total).seconds
    pairs = total * (row.tokens + 1) / 2
    return operators.prefill_attention(shape, total, row.requests, 0, pairs).seconds
