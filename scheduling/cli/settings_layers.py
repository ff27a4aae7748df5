"""What files and the environment set, a layer each, and which of them counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import typer

from scheduling.cli.settable import converted, settable
from scheduling.errors import Fault, InputError

PREFIX = "SCHEDULING_"
"""Head of the names of variables of the environment."""

Source = Literal["environment", "file", "default"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A value with where it comes from.

    Attributes
    ----------
    value
        As it stands there.
    source
        Kind of the place.
    place
        Variable, or file and key; empty for a default.
    """

    value: Any
    source: Source
    place: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one file, or the environment, sets.

    Attributes
    ----------
    source
        Kind of the place.
    file
        The file; ``None`` for the environment.
    head
        What stands before a key in its place, such as ``tool.scheduling.``.
    general, verbs
        Values for all verbs, and for single ones.
    """

    source: Source
    file: Path | None
    head: str = ""
    general: Mapping[str, Any] = field(default_factory=dict)
    verbs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def setting(self, verb: str | None, option: str) -> Setting | None:
        """Return what it says of an option of a verb; of all verbs for ``None``."""
        if verb is not None and option in self.verbs.get(verb, ()):
            return self._place(self.verbs[verb][option], f"{verb}.{option}")
        if option in self.general:
            return self._place(self.general[option], option)
        return None

    def _place(self, value: Any, key: str) -> Setting:
        if self.file is None:
            return Setting(value, self.source, variable(key))
        return Setting(value, self.source, f"{self.file}: {self.head}{key}")


@dataclass(frozen=True, slots=True)
class Settings:
    """All layers, the one that counts most first."""

    layers: tuple[Layer, ...] = ()

    @property
    def files(self) -> list[str]:
        """The files in use."""
        return [str(layer.file) for layer in self.layers if layer.file is not None]

    def setting(self, verb: str | None, option: str) -> Setting | None:
        """Return what counts for an option of a verb; ``None`` when nothing sets it."""
        found = (layer.setting(verb, option) for layer in self.layers)
        return next((setting for setting in found if setting is not None), None)

    def defaults(self, verb: str, command: Any, context: typer.Context) -> dict[str, Any]:
        """Return values of a verb's parameters, as the command line takes them.

        Raises
        ------
        InputError
            For each value that an option does not take, with its place.
        """
        values, faults = {}, []
        for option, parameter in settable(command).items():
            setting = self.setting(verb, option)
            if setting is None:
                continue
            try:
                values[parameter.name] = converted(setting.value, parameter, context)
            except ValueError as error:
                faults.append(Fault(setting.place, repr(setting.value), str(error)))
        if faults:
            raise InputError(faults)
        return values


def variable(option: str) -> str:
    """Return the variable of the environment that sets an option."""
    return PREFIX + option.upper().replace("-", "_")
