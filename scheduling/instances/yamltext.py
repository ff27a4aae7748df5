"""YAML as the project reads it: the JSON-like core of YAML 1.2, with the line of every value.

What PyYAML's loaders do differently, and this reader on purpose does not: ``yes``, ``no``, ``on``
and ``off`` are text, ``1:30``, ``1_000``, ``010`` and dates are text, keys are text, a key that
comes twice is an error, tags are refused, and aliases count as often as they are used.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from scheduling.errors import InputError
from scheduling.instances.text import excerpt

MAX_DEPTH = 64
"""Deepest nesting of lists and mappings."""

MAX_VALUES = 50_000_000
"""Most values in one document, with aliases counted as often as they are used."""

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,999})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def resolve(text: str) -> Any:
    """Translate a plain scalar: an integer, a float, true, false, null, or else text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not text.lstrip("-+").isdigit():
        value = float(text)
        return value if math.isfinite(value) else text
    return text


def parse_yaml(text: str, source: str | None, lines: dict[Path, int] | None = None) -> Any:
    """Parse one document.

    Parameters
    ----------
    text
        The document.
    source
        File name for faults.
    lines
        When given, it is filled with the line on which the value at each path begins.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    try:
        return _Builder(source, lines).build(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        position = getattr(error, "position", 0)
        line = mark.line if mark is not None else text.count("\n", 0, position)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "a fault"
        found = str(problem).removeprefix("found ")
        raise InputError.single(f"line {line + 1}", found, "valid YAML", source) from None


def yaml_lines(text: str) -> dict[Path, int]:
    """Return the line on which the value at each path begins, of a text that can be parsed."""
    lines: dict[Path, int] = {}
    parse_yaml(text, None, lines)
    return lines


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


@dataclass
class _Frame:
    """A list or mapping that is being filled."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    before: int
    key: str | None = None


@dataclass
class _Builder:
    """Builds Python values from parser events, without recursion."""

    source: str | None
    lines: dict[Path, int] | None
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    values: int = 0
    root: Any = None
    documents: int = 0

    def build(self, text: str) -> Any:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise self._error(event, "a second document", "one document")
        if not self.documents:
            raise InputError.single("line 1", "an empty document", "a mapping", self.source)
        return self.root

    def _error(self, event: yaml.Event, found: str, expected: str) -> InputError:
        return InputError.single(f"line {_line(event)}", found, expected, self.source)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if event.tag is not None:
            raise self._error(event, f"the tag {excerpt(event.tag)}", "no tag")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            if event.value in frame.value:
                raise self._error(event, f"the key {excerpt(event.value)} twice", "each key once")
            frame.key = event.value
            return
        value = resolve(event.value) if event.implicit[0] else event.value
        self._count(event, 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        self._add(event, value)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            raise self._error(event, f"the tag {excerpt(event.tag)}", "no tag")
        if len(self.stack) >= MAX_DEPTH:
            raise self._error(event, f"more than {MAX_DEPTH} levels", "less nesting")
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._add(event, value)
        self.stack.append(_Frame(value, event.anchor, self.values))
        self._count(event, 1)

    def _close(self) -> None:
        frame = self.stack.pop()
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (frame.value, self.values - frame.before)
        if self.stack:
            self.stack[-1].key = None

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self.anchors:
            raise self._error(event, f"the alias *{event.anchor}", "an anchor before it")
        value, size = self.anchors[event.anchor]
        self._count(event, size)
        self._add(event, value)

    def _count(self, event: yaml.Event, size: int) -> None:
        self.values += size
        if self.values > MAX_VALUES:
            raise self._error(event, f"more than {MAX_VALUES} values", "a smaller document")

    def _add(self, event: yaml.Event, value: Any) -> None:
        """Put a value where it belongs; a collection's key is cleared when it closes."""
        if not self.stack:
            self.root = value
        else:
            frame = self.stack[-1]
            if isinstance(frame.value, list):
                frame.value.append(value)
            elif frame.key is None:
                raise self._error(event, "a list or mapping as a key", "a key that is text")
            else:
                frame.value[frame.key] = value
        if self.lines is not None:
            self.lines[self._path()] = _line(event)
        if self.stack and not isinstance(event, yaml.CollectionStartEvent):
            self.stack[-1].key = None

    def _path(self) -> Path:
        return tuple(
            len(frame.value) - 1 if isinstance(frame.value, list) else frame.key or ""
            for frame in self.stack
        )
