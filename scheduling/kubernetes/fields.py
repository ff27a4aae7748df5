"""Reading fields of Kubernetes objects: unknown ones are passed over, wrong ones are named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scheduling.errors import InputError

_KINDS: dict[type, str] = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false"}


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
    """

    __slots__ = ("_data", "_parent", "_place")

    def __init__(self, data: Any, place: str, parent: Fields | None = None) -> None:
        self._data, self._place, self._parent = data, place, parent
        if not isinstance(data, dict):
            raise InputError.single(self.place, repr(data)[:80], "a mapping")

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
                raise InputError.single(f"{self.at(name)}.{key}", repr(value)[:80], "a text")
        return dict(found)

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
                raise InputError.single(f"{self.at(name)}[{index}]", repr(entry)[:80], "a text")
        return tuple(found)

    def text(self, name: str, default: str | None = None) -> str:
        """Text of a field.

        Raises
        ------
        InputError
            When it is missing and has no default, or is no text.
        """
        found = self._typed(name, str)
        if found is None and default is None:
            raise InputError.single(self.at(name), "nothing", "a text")
        return default if found is None else found  # type: ignore[return-value]

    def choice(self, name: str, known: tuple[str, ...], default: str) -> Any:
        """Text of a field that is one of a few; the default where it is missing or empty."""
        found = self.text(name, default) or default
        if found and found not in known:
            expected = f"one of {', '.join(known)}"
            raise InputError.single(self.at(name), repr(found), expected)
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
            raise InputError.single(self.at(name), repr(value)[:80], "a whole number")
        return value

    def quantities(self, name: str) -> dict[str, Any]:
        """Quantities by resource in a field, not parsed yet."""
        return dict(self._typed(name, dict) or {})

    def _typed(self, name: str, kind: type) -> Any:
        value = self._data.get(name)
        if value is not None and not isinstance(value, kind):
            raise InputError.single(self.at(name), repr(value)[:80], _KINDS[kind])
        return value
