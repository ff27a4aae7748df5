"""Reading fields of Kubernetes objects: unknown ones are passed over, wrong ones are named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from scheduling.errors import Fault, InputError
from scheduling.kubernetes.quantities import amount

_KINDS: dict[type, str] = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false"}

_WRONG: dict[str, Any] = {}
"""Stands in for what is no mapping: nobody is told that its fields are missing."""


class Fields:
    """A mapping of a Kubernetes object with the place where it stands.

    Parameters
    ----------
    data
        The mapping.
    place
        Path to it, such as ``"items[3] (Pod default/web-1).spec"``; with ``parent``, the path from
        there.
    parent
        The fields that it stands in. Places are only put together for faults: a large cluster has
        millions of fields.

    Raises
    ------
    InputError
        Here and in all methods, for a field that is wrong; fields that stand in :class:`Collected`
        note the fault there and count as missing.
    """

    __slots__ = ("_data", "_parent", "_place")

    def __init__(self, data: Any, place: str, parent: Fields | None = None) -> None:
        self._data, self._place, self._parent = data, place, parent
        if not isinstance(data, dict):
            self._data = _WRONG
            self.report(self.place, data, "a mapping")

    @property
    def place(self) -> str:
        """Path to the mapping."""
        return self._place if self._parent is None else f"{self._parent.place}.{self._place}"

    @place.setter
    def place(self, path: str) -> None:
        self._place, self._parent = path, None

    def __contains__(self, name: str) -> bool:
        return self._data.get(name) is not None

    def at(self, name: str) -> str:
        """Place of a field."""
        return f"{self.place}.{name}"

    def report(self, place: str, value: Any, expected: str) -> None:
        """Tell of a fault.

        Parameters
        ----------
        place, value
            Where it stands and what, ``None`` for nothing.
        expected
            What should stand there.
        """
        if self._parent is not None:
            self._parent.report(place, value, expected)
        else:
            raise InputError([_fault(place, value, expected)])

    def value(self, name: str) -> Any:
        """Value of a field as it stands; ``None`` when it is missing."""
        return self._data.get(name)

    def all(self) -> dict[str, Any]:
        """Return the whole mapping as it stands."""
        return dict(self._data)

    def inner(self, name: str) -> Fields:
        """Return the mapping in a field; empty when it is missing."""
        return Fields(self._typed(name, dict) or {}, name, self)

    def texts(self, name: str) -> dict[str, str]:
        """Return the mapping from texts to texts in a field."""
        found = self._typed(name, dict) or {}
        for key, value in found.items():
            if not isinstance(value, str):
                self.report(f"{self.at(name)}.{key}", value, "a text")
        return {key: value for key, value in found.items() if isinstance(value, str)}

    def entries(self, name: str) -> Iterator[Fields]:
        """Yield the mappings of a list."""
        for index, entry in enumerate(self._typed(name, list) or []):
            yield Fields(entry, f"{name}[{index}]", self)

    def many(self, name: str) -> list[Any]:
        """Return the list in a field as it stands; empty when it is missing."""
        return self._typed(name, list) or []

    def words(self, name: str) -> tuple[str, ...]:
        """Texts in a list."""
        found = self._typed(name, list) or []
        for index, entry in enumerate(found):
            if not isinstance(entry, str):
                self.report(f"{self.at(name)}[{index}]", entry, "a text")
        return tuple(entry for entry in found if isinstance(entry, str))

    def text(self, name: str, default: str | None = None) -> str:
        """Text of a field, which must be there where it has no default."""
        found: str | None = self._typed(name, str)
        if default is None and name not in self and self._data is not _WRONG:
            self.report(self.at(name), None, "a text")
        return found if found is not None else default or ""

    def choice(self, name: str, known: tuple[str, ...], default: str) -> Any:
        """Text of a field that is one of a few; the default where it is missing or empty."""
        found = self.text(name, default) or default
        if found and found not in known:
            expected = f"one of {', '.join(known)}"
            self.report(self.at(name), found, expected)
            return default
        return found

    def flag(self, name: str) -> bool:
        """Truth value of a field, false when it is missing."""
        return bool(self._typed(name, bool))

    def number(self, name: str, default: int) -> int:
        """Whole number of a field."""
        value = self._data.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.report(self.at(name), value, "a whole number")
            return default
        return value

    def amount(self, name: str, resource: str | None = None) -> int:
        """Quantity of a field in the library's whole units.

        Parameters
        ----------
        name
            The field.
        resource
            What it counts; by default the field has the resource's name.
        """
        value = self._data.get(name)
        try:
            return amount(resource or name, value, name)
        except InputError as error:
            self.report(self.at(name), value, error.faults[0].expected)
            return 0

    def _typed(self, name: str, kind: type) -> Any:
        value = self._data.get(name)
        if value is not None and not isinstance(value, kind):
            self.report(self.at(name), value, _KINDS[kind])
            return None
        return value


class Collected(Fields):
    """A mapping that collects the faults of all that stands in it.

    Parameters
    ----------
    data, place
        As in :class:`Fields`.
    faults
        Where faults are noted, in the order in which they are found.
    """

    __slots__ = ("_faults",)

    def __init__(self, data: Any, place: str, faults: list[Fault]) -> None:
        self._faults = faults
        super().__init__(data, place)

    def report(self, place: str, value: Any, expected: str) -> None:
        """Note a fault."""
        self._faults.append(_fault(place, value, expected))

    @contextmanager
    def building(self) -> Iterator[None]:
        """Note what a model finds wrong with fields of this object.

        Where a fault has been noted meanwhile, the model was given a stand-in, and what it says of
        that is no news.
        """
        before = len(self._faults)
        try:
            yield
        except InputError as error:
            if len(self._faults) == before:
                found = error.faults
                self._faults += [replace(f, place=f"{self.place}: {f.place}") for f in found]


def _fault(place: str, value: Any, expected: str) -> Fault:
    return Fault(place, "nothing" if value is None else repr(value)[:80], expected)
