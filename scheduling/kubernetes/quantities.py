"""Kubernetes quantities as exact numbers: ``250m``, ``1.5Gi``, ``1e3``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

from scheduling.errors import InputError

_PATTERN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_LONGEST = 60
_BYTES = frozenset({"memory", "ephemeral-storage", "storage"})
_HUGE_PAGES = "hugepages-"


def parse_quantity(value: object, place: str) -> Fraction:
    """Return the exact value of a quantity.

    Parameters
    ----------
    value
        A text such as ``"250m"`` or a number.
    place
        Where it stands, for the error.

    Raises
    ------
    InputError
        When it is no quantity, or negative.
    """
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    match = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None or isinstance(value, bool):
        raise InputError.single(place, repr(value)[:80], "a quantity such as 250m, 1.5Gi or 1e3")
    digits, exponent, suffix = match.groups()
    number = Fraction(digits)
    if exponent is not None:
        number *= Fraction(10) ** int(exponent[1:])
    elif suffix in _BINARY:
        number *= 2 ** _BINARY[suffix]
    else:
        number *= Fraction(10) ** _DECIMAL[suffix or ""]
    if number < 0:
        raise InputError.single(place, repr(value), "a quantity of at least 0")
    return number


def amount(resource: str, value: object, place: str) -> int:
    """Return a quantity in the library's whole units, rounded up as Kubernetes does.

    ``cpu`` counts in thousandths of a core, everything else in its own unit (bytes, pieces).
    """
    number = parse_quantity(value, place)
    return _ceil(number * 1000 if is_cpu(resource) else number)


def units(resources: Iterable[str]) -> dict[str, Literal["bytes", "thousandths"]]:
    """Return what :func:`amount` counts of those resources that do not count in pieces."""
    found: dict[str, Literal["bytes", "thousandths"]] = {}
    for resource in sorted(resources):
        if is_cpu(resource):
            found[resource] = "thousandths"
        elif resource in _BYTES or resource.startswith(_HUGE_PAGES):
            found[resource] = "bytes"
    return found


def is_cpu(resource: str) -> bool:
    """Tell whether a resource counts in thousandths."""
    return resource == "cpu"


def _ceil(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)
