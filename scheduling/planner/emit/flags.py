"""Command lines of engines, in which every flag is one that the pinned version takes."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

from scheduling.errors import UnsupportedError


class Engine(NamedTuple):
    """An engine at the version that files are written for."""

    name: str
    version: str
    flags: frozenset[str]


@cache
def engine(name: str) -> Engine:
    """Return an engine and its flags as its sources register them."""
    text = (files("scheduling.planner.emit") / "data" / "flags.yaml").read_text("utf-8")
    entry = yaml.safe_load(text)["engines"][name]
    return Engine(name, entry["version"], frozenset(entry["flags"]))


class Arguments:
    """A command line that grows flag by flag.

    Parameters
    ----------
    name
        Name of the engine.
    """

    def __init__(self, name: str) -> None:
        self._engine = engine(name)
        self.words: list[str] = []

    def switch(self, flag: str) -> None:
        """Append a flag that takes no value.

        Raises
        ------
        UnsupportedError
            When the engine does not have it.
        """
        if flag not in self._engine.flags:
            message = f"{self._engine.name} {self._engine.version} has no flag {flag}"
            raise UnsupportedError(message)
        self.words.append(flag)

    def add(self, flag: str, value: str | float | None) -> None:
        """Append a flag with its value; unknown values are left to the engine's default.

        Raises
        ------
        UnsupportedError
            When the engine does not have the flag.
        """
        if value is None:
            return
        self.switch(flag)
        self.words.append(f"{value:g}" if isinstance(value, float) else str(value))
