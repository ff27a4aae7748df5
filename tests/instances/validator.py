"""A small JSON schema validator: the keywords that the project's schemas use, and no others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_NOTES = {"$schema", "$defs", "title", "description", "default", "discriminator"}


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    """Return what is wrong with the value, as far as the schema says."""
    return _errors(schema, value, schema.get("$defs", {}), "")


def _errors(schema: dict[str, Any], value: Any, known: dict[str, Any], place: str) -> list[str]:
    found: list[str] = []
    for key, rule in schema.items():
        if key in _NOTES:
            continue
        if key == "$ref":
            found += _errors(known[rule.removeprefix("#/$defs/")], value, known, place)
        elif key in ("anyOf", "oneOf"):
            fits = [not _errors(option, value, known, place) for option in rule]
            if not any(fits) or (key == "oneOf" and sum(fits) > 1):
                found.append(f"{place}: {key}")
        elif key in ("properties", "additionalProperties", "propertyNames", "items"):
            found += _inside(key, rule, schema, value, known, place)
        elif not _holds(key, rule, value):
            found.append(f"{place}: {key} {rule}")
    return found


def _inside(
    key: str, rule: Any, schema: dict[str, Any], value: Any, known: dict[str, Any], place: str
) -> list[str]:
    if key == "items":
        rows = enumerate(value) if isinstance(value, list) else ()
        return [e for i, row in rows for e in _errors(rule, row, known, f"{place}[{i}]")]
    if not isinstance(value, dict):
        return []
    if key == "properties":
        pairs = [(name, part) for name, part in rule.items() if name in value]
        return [e for n, part in pairs for e in _errors(part, value[n], known, f"{place}.{n}")]
    if key == "propertyNames":
        return [e for name in value for e in _errors(rule, name, known, f"{place}.{name}")]
    others = set(value) - set(schema.get("properties", {}))
    if rule is False:
        return [f"{place}: unknown {name}" for name in others]
    return [e for n in others for e in _errors(rule, value[n], known, f"{place}.{n}")]


def _holds(key: str, rule: Any, value: Any) -> bool:
    if key == "type":
        return isinstance(value, _TYPES[rule]) and (rule == "boolean") == isinstance(value, bool)
    number = isinstance(value, int | float)
    checks: dict[str, Callable[[], bool]] = {
        "const": lambda: value == rule,
        "enum": lambda: value in rule,
        "required": lambda: not isinstance(value, dict) or set(rule) <= set(value),
        "minimum": lambda: not number or value >= rule,
        "maximum": lambda: not number or value <= rule,
        "minLength": lambda: not isinstance(value, str) or len(value) >= rule,
        "maxLength": lambda: not isinstance(value, str) or len(value) <= rule,
        "minItems": lambda: not isinstance(value, list) or len(value) >= rule,
        "minProperties": lambda: not isinstance(value, dict) or len(value) >= rule,
        "pattern": lambda: not isinstance(value, str) or re.search(rule, value) is not None,
    }
    return checks[key]()
