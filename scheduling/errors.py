"""Errors of the library: one root, one subclass per kind of cause."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_SHOWN = 20

_FIELDS = "fields with their values"

_FAULT = "fault"
"""Type of a fault among pydantic's findings."""


class SchedulingError(Exception):
    """Root of all errors that the library raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an input.

    Parameters
    ----------
    place
        Where: a line of the file (``"line 7"``) or a path of fields (``"jobs[2].tasks[0].modes"``).
    found
        What stands there.
    expected
        What was expected instead.
    """

    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: found {self.found}, expected {self.expected}"


class InputError(SchedulingError):
    """The input cannot be taken: every fault is listed with its place.

    Parameters
    ----------
    faults
        What is wrong; at least one entry.
    source
        File name the input came from, ``None`` for objects built in Python.
    """

    def __init__(self, faults: Sequence[Fault], source: str | None = None) -> None:
        self.faults = tuple(faults)
        self.source = source
        super().__init__(self._message())

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes with the faults, not with the message."""
        return type(self), (self.faults, self.source)

    def _message(self) -> str:
        prefix = f"{self.source}: " if self.source else ""
        shown = [f"{prefix}{fault}" for fault in self.faults[:_SHOWN]]
        if len(self.faults) > _SHOWN:
            shown.append(f"{prefix}… and {len(self.faults) - _SHOWN} more faults")
        return "\n".join(shown)

    @classmethod
    def single(cls, place: str, found: str, expected: str, source: str | None = None) -> InputError:
        """Build an error with one fault."""
        return cls([Fault(place, found, expected)], source)

    @classmethod
    def from_pydantic(cls, error: ValidationError, source: str | None = None) -> InputError:
        """Translate pydantic's findings, one fault each, with the path of fields as the place."""
        faults = []
        entries = error.errors(include_url=False)
        for entry in entries:
            # Entries with faults of their own do not count, so that a list may seem too short.
            if entry["type"] == "too_short" and _stands_above(entry["loc"], entries):
                continue
            place = _path(entry["loc"]) or "document"
            if entry["type"] == _FAULT:
                faults.append(Fault(place, entry["ctx"]["found"], entry["ctx"]["expected"]))
                continue
            found = "nothing" if entry["type"] == "missing" else _excerpt(entry["input"])
            expected = _expectation(
                entry["type"], entry["msg"], entry.get("ctx", {}).get("min_length")
            )
            if entry["type"] == "extra_forbidden":
                expected += did_you_mean(str(entry["loc"][-1]), _missing_beside(entry, entries))
            faults.append(Fault(place, found, expected))
        return cls(faults, source)

    def to_pydantic(self, title: str) -> ValidationError:
        """Return the faults as pydantic's findings, which :meth:`from_pydantic` gives back.

        Parameters
        ----------
        title
            Name of the model that has them.
        """
        from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

        entries = [
            InitErrorDetails(
                type=PydanticCustomError(
                    _FAULT, "{expected}", {"found": fault.found, "expected": fault.expected}
                ),
                loc=(fault.place,),
                input=None,
            )
            for fault in self.faults
        ]
        return ValidationError.from_exception_data(title, entries)

    def with_source(self, source: str) -> Self:
        """Return the same error with the file's name added."""
        return type(self)(self.faults, source)


class UnsupportedError(SchedulingError):
    """A solver, format or option cannot handle this problem; the message names the way out."""

    @classmethod
    def unknown(
        cls,
        noun: str,
        name: str,
        known: Collection[str],
        *,
        used: str = "",
        also: Sequence[str] = (),
    ) -> UnsupportedError:
        """Build the error for a name that nothing has; it guesses what was meant and lists all.

        Parameters
        ----------
        noun, name
            What was asked for, and by which name.
        known
            Names that there are.
        used
            What it would have been used for, such as ``" for requests"``.
        also
            Forms of names that there are besides, such as ``"resolve:PERIOD"``.
        """
        listed = ", ".join((*known, *also))
        return cls(f"no {noun} {name!r}{used}{did_you_mean(name, known)}; there are: {listed}")


class PolicyError(SchedulingError):
    """An online policy does what the problem does not allow, or waits for ever."""


class SolverError(SchedulingError):
    """An engine misbehaved: it is missing, failed, or returned something outside its contract."""


class CheckError(SolverError):
    """A solver's answer failed the independent check; it never leaves the library."""


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a guess to append to a message about a name, empty when nothing is close.

    Parameters
    ----------
    name
        What was asked for; a part after a colon is a number or an engine, and does not count.
    known
        Names that there are.
    """
    spelled = {entry.lower(): entry for entry in known}
    close = get_close_matches(name.partition(":")[0].lower(), spelled, n=1)
    return f" (did you mean {spelled[close[0]]!r}?)" if close else ""


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _stands_above(location: tuple[int | str, ...], entries: Sequence[ErrorDetails]) -> bool:
    """Tell whether something that stands within this place has a fault."""
    depth = len(location)
    return any(one["loc"][:depth] == location and len(one["loc"]) > depth for one in entries)


def _missing_beside(entry: ErrorDetails, entries: Sequence[ErrorDetails]) -> list[str]:
    """Name the fields that are missing where this one stands, which may be one of them misspelt."""
    return [
        str(one["loc"][-1])
        for one in entries
        if one["type"] == "missing" and one["loc"][:-1] == entry["loc"][:-1]
    ]


def _excerpt(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _expectation(kind: str, message: str, limit: int | None = None) -> str:
    known = {
        "missing": "this field, which is required",
        "extra_forbidden": "no such field",
        "model_type": _FIELDS,
        "model_attributes_type": _FIELDS,
        "dict_type": _FIELDS,
    }
    if kind == "too_short" and limit:
        return "at least one entry" if limit == 1 else f"at least {limit} entries"
    lowered = message[:1].lower() + message[1:]
    return known.get(kind, lowered.removeprefix("input should be "))
