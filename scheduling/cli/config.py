"""``scheduling config``: defaults of options, and where each comes from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from scheduling.cli import options, settings
from scheduling.cli.output import emit_json, note, table
from scheduling.cli.settable import settable
from scheduling.cli.settings_files import GENERAL
from scheduling.cli.settings_layers import Setting, Settings
from scheduling.errors import InputError


def config(
    context: typer.Context,
    verb: Annotated[
        str | None,
        typer.Argument(metavar="[VERB]", help="Show all options of this verb, defaults too."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Show the defaults of options and where each comes from.

    They come from variables of the environment (SCHEDULING_TIME_LIMIT, …), from scheduling.toml or
    [tool.scheduling] of pyproject.toml in this folder or above it, and from the user's
    scheduling.toml; the command line counts before all of them.
    """
    found = settings.checked(context)
    commands: dict[str, Any] = settings.verbs_of(context)
    if verb is not None and verb not in commands:
        raise InputError.single("VERB", repr(verb), f"one of: {', '.join(commands)}")
    if verb is None:
        rows = _all(found)
    else:
        found.defaults(verb, commands[verb], context)
        rows = _one(found, verb, commands[verb])
    if json:
        emit_json("config", {"files": found.files, "settings": [_record(*row) for row in rows]})
        return
    cells = [
        [option, where or "all", _shown(setting.value), setting.place or setting.source]
        for where, option, setting in rows
    ]
    table(["option", "verb", "value", "from"], cells)
    if verb is None:
        note("  a verb's own defaults: scheduling config VERB")
    for path in found.files:
        note(f"  file: {path}")


Row = tuple[str | None, str, Setting]
"""A verb, or ``None`` for all, an option, and its value."""


def _all(found: Settings) -> list[Row]:
    """Return what is set for all verbs, and for single ones."""
    unset = Setting(None, "default")
    rows: list[Row] = [(None, option, found.setting(None, option) or unset) for option in GENERAL]
    named = {
        (verb, option): None
        for layer in found.layers
        for verb, values in layer.verbs.items()
        for option in values
    }
    return rows + [(verb, option, found.setting(verb, option) or unset) for verb, option in named]


def _one(found: Settings, verb: str, command: Any) -> list[Row]:
    """Return all options of a verb."""
    return [
        (verb, option, found.setting(verb, option) or Setting(parameter.default, "default"))
        for option, parameter in settable(command).items()
    ]


def _record(verb: str | None, option: str, setting: Setting) -> dict[str, Any]:
    return {"option": option, "verb": verb, **asdict(setting)}


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)
