"""Fits the efficiency terms of the roofline to a few measured times.

The terms are moved from their defaults by factors ``exp(x)`` so that the sum of squares of

* ``log(predicted / measured) / noise`` over the anchors and
* ``x / trust`` over the terms

is least (Gauss-Newton; ridge regression on logarithms). One anchor thus corrects the terms that
its time hangs on, each in proportion, and terms that no anchor says anything about keep their
defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from scheduling.errors import Fault, InputError
from scheduling.models.cost.efficiency import Efficiency

_STEP = 1e-3
_ROUNDS = 12
_FURTHEST = log(4.0)

FITTED = (
    "memory",
    "wide_compute",
    "narrow_compute",
    "tiny_compute",
    "product_seconds",
    "quantise_seconds",
    "prefill_attention",
    "decode_memory",
    "decode_compute",
    "attention_seconds",
    "expert_wide",
    "expert_narrow",
    "expert_widened",
    "expert_memory",
    "expert_seconds",
    "layer_seconds",
    "launch_seconds",
    "link",
    "reduce_seconds",
    "iteration_seconds",
    "sequence_seconds",
)
"""Terms that anchors may move."""

_SHARES = frozenset(name for name in FITTED if not name.endswith("seconds"))


@dataclass(frozen=True, slots=True)
class Anchor:
    """One measured time, and how the terms predict it.

    Parameters
    ----------
    name
        For messages.
    seconds
        What was measured; above zero.
    predict
        The same time from given terms.
    """

    name: str
    seconds: float
    predict: Callable[[Efficiency], float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted terms and what they bring.

    Parameters
    ----------
    terms
        Fitted terms.
    before, after
        Median over the anchors of ``|predicted / measured - 1|``.
    """

    terms: Efficiency
    before: float
    after: float


def calibrate(
    anchors: Sequence[Anchor], terms: Efficiency, *, trust: float = 0.3, noise: float = 0.03
) -> Calibration:
    """Fit efficiency terms to measured times.

    Parameters
    ----------
    anchors
        Measured times; at least one.
    terms
        Where to start, such as those of the engine.
    trust
        Standard deviation of the logarithm of a term around its default.
    noise
        That of a measured time.

    Returns
    -------
    Calibration
        The terms, and the error before and after.

    Raises
    ------
    InputError
        Without anchors, or for a time that is not above zero.
    """
    faults = [
        Fault(anchor.name, str(anchor.seconds), "a time above zero")
        for anchor in anchors
        if not anchor.seconds > 0
    ]
    if not anchors:
        faults.append(Fault("anchors", "none", "at least one measured time"))
    if faults:
        raise InputError(faults)
    names = [name for name in FITTED if getattr(terms, name) > 0]
    point = np.zeros(len(names))
    for _ in range(_ROUNDS):
        here = _misses(anchors, _moved(terms, names, point))
        slopes = np.empty((len(anchors), len(names)))
        for column in range(len(names)):
            beside = point.copy()
            beside[column] -= _STEP
            slopes[:, column] = (here - _misses(anchors, _moved(terms, names, beside))) / _STEP
        left = np.vstack([slopes / noise, np.eye(len(names)) / trust])
        right = np.concatenate([(slopes @ point - here) / noise, np.zeros(len(names))])
        solution = np.linalg.lstsq(left, right, rcond=None)[0]
        found = np.clip(solution, -_FURTHEST, _FURTHEST)
        settled = bool(np.max(np.abs(found - point)) < _STEP)
        point = found
        if settled:
            break
    fitted = _moved(terms, names, point)
    return Calibration(fitted, median_error(anchors, terms), median_error(anchors, fitted))


def _moved(terms: Efficiency, names: Sequence[str], point: np.ndarray) -> Efficiency:
    """Terms at a point; a share never exceeds one."""
    values = {}
    for name, x in zip(names, point, strict=True):
        value = getattr(terms, name) * exp(float(x))
        values[name] = min(value, 1.0) if name in _SHARES else value
    return terms.model_copy(update=values)


def _misses(anchors: Sequence[Anchor], terms: Efficiency) -> np.ndarray:
    return np.array([log(anchor.predict(terms) / anchor.seconds) for anchor in anchors])


def median_error(anchors: Sequence[Anchor], terms: Efficiency) -> float:
    """Return the median over anchors of ``|predicted / measured - 1|``."""
    return float(np.median(np.abs(np.exp(_misses(anchors, terms)) - 1.0)))
