"""Options of verbs that may have defaults, and the values that they take."""

from __future__ import annotations

from typing import Any

import typer

_PATHS = frozenset({"FILE", "DIR", "FOLDER", "JSON", "PLAN", "RESULTS"})
"""What options that name files stand for in help: these belong to one call alone."""


def settable(command: Any) -> dict[str, Any]:
    """Return the options of a command that may have defaults, by name without dashes.

    They take one value or are repeated; flags and names of files belong to one call alone.
    """
    found = {}
    for parameter in command.params:
        flag = getattr(parameter, "is_flag", False)
        names = [name for name in parameter.opts if name.startswith("--")]
        if names and not flag and parameter.nargs == 1 and parameter.metavar not in _PATHS:
            found[names[0].removeprefix("--")] = parameter
    return found


def converted(value: Any, parameter: Any, context: typer.Context) -> Any:
    """Take a value as if it stood on the command line, but for its type.

    Raises
    ------
    ValueError
        When the option does not take it; the message says what it takes.
    """
    if parameter.multiple != isinstance(value, list):
        raise ValueError("a list" if parameter.multiple else "one value, no list")
    texts = [str(one) for one in value] if parameter.multiple else str(value)
    try:
        found = parameter.process_value(context, texts)
    except typer.BadParameter as error:
        raise ValueError(f"a value of {parameter.opts[0]}: {error.message}") from None
    for one, got in zip(
        value if parameter.multiple else [value],
        found if parameter.multiple else [found],
        strict=True,
    ):
        if isinstance(one, str) != isinstance(got, str):
            raise ValueError("a text" if isinstance(got, str) else "a number, without quotes")
    return found
