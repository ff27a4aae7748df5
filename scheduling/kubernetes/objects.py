"""The objects of a cluster, by kind, each with its place in the document."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from scheduling.errors import Fault, InputError
from scheduling.instances.jsontext import parse_json
from scheduling.instances.yamltext import parse_yaml
from scheduling.kubernetes.fields import Collected

_HEAD = 1000
"""Characters in which a document shows whether it is JSON."""

_NAMED = 5
"""Names of objects in one note."""


class Entry(Collected):
    """One object: its fields, its kind, namespace and name."""

    __slots__ = ("kind", "meta", "name", "space")

    def __init__(self, data: Any, place: str, kind: str, faults: list[Fault]) -> None:
        super().__init__(data, place, faults)
        self.kind = kind
        self.meta = self.inner("metadata")
        self.space = self.meta.text("namespace", "")
        self.name = self.meta.text("name", "")
        shown = f"{self.space}/{self.name}" if self.space else self.name
        self._place = f"{place} ({kind} {shown})" if shown else place

    @property
    def home(self) -> str:
        """Namespace of an object that lies in one."""
        return self.space or "default"

    @property
    def full_name(self) -> str:
        """Namespace and name of an object that lies in a namespace."""
        return f"{self.home}/{self.meta.text('name')}"


class Objects:
    """Objects by kind, and the notes that are made while they are read.

    Parameters
    ----------
    data
        Parsed objects, lists of them included.

    Attributes
    ----------
    faults
        What was found wrong so far with any of them; see :meth:`refuse_faults`.
    """

    def __init__(self, data: Iterable[tuple[Any, str]]) -> None:
        self._kinds: dict[str, list[Entry]] = {}
        self._notes: dict[str, list[str]] = {}
        self.faults: list[Fault] = []
        for value, place in data:
            for entry in self._flat(value, place):
                self._kinds.setdefault(entry.kind, []).append(entry)

    def refuse_faults(self) -> None:
        """Refuse the document where something in it was found wrong.

        Raises
        ------
        InputError
            With everything that was found, each fault once.
        """
        if self.faults:
            raise InputError(list(dict.fromkeys(self.faults)))

    def of(self, kind: str) -> list[Entry]:
        """Objects of a kind, in their order."""
        return self._kinds.get(kind, [])

    def plain(self) -> list[dict[str, Any]]:
        """Return the objects as they stand, each with its ``kind``.

        Raises
        ------
        InputError
            As :meth:`refuse_faults`.
        """
        self.refuse_faults()
        every = (entry for entries in self._kinds.values() for entry in entries)
        return [{**entry.all(), "kind": entry.kind} for entry in every]

    def note(self, reason: str, name: str) -> None:
        """Keep that an object was left out or taken otherwise than it is written."""
        self._notes.setdefault(reason, []).append(name)

    def notes(self) -> Iterator[str]:
        """Yield one sentence for each reason, with the first of its objects."""
        for reason, names in self._notes.items():
            more = len(names) - _NAMED
            shown = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
            yield f"{shown}: {reason}"

    def _flat(self, data: Any, place: str) -> Iterator[Entry]:
        """Yield an object, or the objects of a list, those of lists in lists included."""
        top = Collected(data, place or "document", self.faults)
        kind = top.text("kind", "")
        if kind.endswith("List"):
            inner = kind.removesuffix("List")
            for index, value in enumerate(top.many("items")):
                where = f"{place}.items[{index}]" if place else f"items[{index}]"
                if isinstance(value, dict) and inner and not value.get("kind"):
                    yield Entry(value, where, inner, self.faults)
                else:
                    yield from self._flat(value, where)
        elif kind:
            yield Entry(data, place or "document", kind, self.faults)
        elif isinstance(data, dict) and not data.get("kind"):
            top.report(top.at("kind"), None, "the kind of a Kubernetes object")


def parse_document(text: str, source: str | None) -> Any:
    """Parse JSON or YAML: JSON at full speed, and once more with places when it has a fault."""
    if text[:_HEAD].lstrip()[:1] != "{":
        return parse_yaml(text, source)
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return parse_json(text, source)


def _refuse(name: str) -> Any:
    raise ValueError(name)


@contextmanager
def without_collection() -> Iterator[None]:
    """Hold the garbage collector: reading makes millions of containers and no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
