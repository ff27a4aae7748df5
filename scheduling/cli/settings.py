"""Defaults of options from files and the environment: what each verb takes from them.

A value on the command line counts before a variable of the environment, that before the project's
file, that before the user's file, and that before what a verb takes by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import typer

from scheduling.cli.settable import settable
from scheduling.cli.settings_files import load
from scheduling.cli.settings_layers import Setting, Settings
from scheduling.errors import Fault, InputError, SchedulingError

_LIMITS = ("time-limit", "work-limit")
"""Limits that stand instead of each other."""


def typed(context: typer.Context) -> frozenset[str]:
    """Return the options that stand on the command line itself, with their dashes."""
    return frozenset(
        option
        for parameter in context.command.params
        if _source(context, parameter) == "COMMANDLINE"
        for option in parameter.opts
    )


def apply(context: typer.Context, verb: str, command: Any, words: Sequence[str]) -> None:
    """Make what files and the environment set the defaults of a verb.

    Parameters
    ----------
    context
        Of the whole application.
    verb, command
        The verb.
    words
        What follows it on the command line. A limit that stands there leaves no other one.
    """
    settings: Settings = load(verbs_of(context))
    defaults = settings.defaults(verb, command, typer.Context(command, parent=context))
    if any(word.partition("=")[0] == f"--{name}" for word in words for name in _LIMITS):
        for name in _LIMITS:
            defaults.pop(name.replace("-", "_"), None)
    context.obj = settings
    context.default_map = {verb: defaults}


@contextmanager
def blamed(found: Settings, verb: str | None, options: Collection[str]) -> Iterator[None]:
    """Name the file or the variable that has set what the library refuses.

    Parameters
    ----------
    found
        All settings.
    verb
        Whose options these are; ``None``: those that stand before the verb.
    options
        Options that have their values from the settings.
    """
    places = {
        option: setting
        for option in options
        if (setting := found.setting(verb, option)) is not None
    }
    try:
        yield
    except InputError as error:
        if error.source is not None:
            raise
        raise InputError([_blamed(fault, places) for fault in error.faults]) from None
    except SchedulingError as error:
        for setting in places.values():
            values = setting.value if isinstance(setting.value, list) else [setting.value]
            if any(isinstance(one, str) and repr(one) in str(error) for one in values):
                error.args = (f"{setting.place}: {error}",)
                break
        raise


def _blamed(fault: Fault, places: Mapping[str, Setting]) -> Fault:
    setting = places.get(fault.place.removeprefix("--").replace("_", "-"))
    return fault if setting is None else replace(fault, place=setting.place)


def from_settings(context: typer.Context) -> frozenset[str]:
    """Return the options of a verb, without their dashes, that take their values from settings."""
    return frozenset(
        option
        for option, parameter in settable(context.command).items()
        if _source(context, parameter) == "DEFAULT_MAP"
    )


def checked(context: typer.Context) -> Settings:
    """Read the settings for all verbs of an application, and try what is set for single ones.

    Raises
    ------
    InputError
        As :func:`load` and :meth:`Settings.defaults`.
    """
    commands = verbs_of(context)
    found = load(commands)
    # A value for all verbs need not suit each of them; one for a single verb must.
    tables = Settings(tuple(replace(layer, general={}) for layer in found.layers))
    for name, command in commands.items():
        tables.defaults(name, command, context)
    return found


def logging_of(
    context: typer.Context, level: str | None, format_: str | None
) -> tuple[str | None, str | None]:
    """Return level and format of logs: those on the command line, else those that are set."""
    found = context.obj if isinstance(context.obj, Settings) else Settings()
    unset = Setting(None, "default")
    if level is None:
        level = (found.setting(None, "log-level") or unset).value
    if format_ is None:
        format_ = (found.setting(None, "log-format") or unset).value
    return level, format_


def verbs_of(context: Any) -> dict[str, Any]:
    """Return the commands of an application by name."""
    commands: dict[str, Any] = context.find_root().command.commands
    return commands


def _source(context: typer.Context, parameter: Any) -> str | None:
    source = context.get_parameter_source(parameter.name or "")
    return None if source is None else source.name
