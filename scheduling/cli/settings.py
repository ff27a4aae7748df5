"""Defaults of options from files and the environment: which there are, and which one counts.

A value on the command line counts before a variable of the environment, that before the project's
file, that before the user's file, and that before what a verb takes by itself.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import typer

from scheduling.errors import Fault, InputError, SchedulingError, did_you_mean

FILE = "scheduling.toml"
_PYPROJECT = "pyproject.toml"
_PREFIX = "SCHEDULING_"

GENERAL: dict[str, type] = {
    "time-limit": float,
    "work-limit": float,
    "workers": int,
    "seed": int,
    "solver": str,
    "backend": str,
    "log-level": str,
    "log-format": str,
}
"""Options that are set for all verbs that have them, at the head of a file or by a variable."""

_TYPES = {float: "a number", int: "a whole number", str: "a text"}

_LIMITS = ("time-limit", "work-limit")
"""Limits that stand instead of each other."""

_FOREIGN = re.compile(r"SCHEDULING_(DATA|\w*SERVICE_(HOST|PORT)\w*|\w*PORT(_\d+_\w+)?)")
"""Variables that set nothing: the folder of data sets, and what Kubernetes tells of services."""

_PATHS = frozenset({"FILE", "DIR", "FOLDER", "JSON", "PLAN", "RESULTS"})
"""What options that name files stand for in help: these belong to one call alone."""

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
                values[parameter.name] = _converted(setting.value, parameter, context)
            except ValueError as error:
                faults.append(Fault(setting.place, repr(setting.value), str(error)))
        if faults:
            raise InputError(faults)
        return values


def load(verbs: Mapping[str, Any], folder: Path | None = None) -> Settings:
    """Read the environment and the files.

    Parameters
    ----------
    verbs
        The commands by name, which say what there is to set.
    folder
        Where the search for the project's file begins; default: the current one.

    Raises
    ------
    InputError
        When a file cannot be read, or holds a key that nothing is known of.
    """
    layers = [_environment()]
    project = _project_file((folder or Path.cwd()).resolve())
    user = Path(typer.get_app_dir("scheduling")) / FILE
    for path in (project, user):
        if path is not None and path.is_file() and str(path) not in Settings(tuple(layers)).files:
            layers.append(_read(path, verbs))
    return Settings(tuple(layers))


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


def variable(option: str) -> str:
    """Return the variable of the environment that sets an option."""
    return _PREFIX + option.upper().replace("-", "_")


def verbs_of(context: Any) -> dict[str, Any]:
    """Return the commands of an application by name."""
    commands: dict[str, Any] = context.find_root().command.commands
    return commands


def _environment() -> Layer:
    """Read the variables.

    Raises
    ------
    InputError
        For one that sets nothing, and for numbers that are none.
    """
    known = {variable(option): option for option in GENERAL}
    general: dict[str, Any] = {}
    faults = []
    for name, text in os.environ.items():
        if not name.startswith(_PREFIX) or _FOREIGN.fullmatch(name) or not text:
            continue
        option = known.get(name)
        if option is None:
            faults.append(Fault(name, "no such setting", _one_of(name, sorted(known))))
            continue
        try:
            general[option] = GENERAL[option](text)
        except ValueError:
            faults.append(Fault(name, repr(text), _TYPES[GENERAL[option]]))
    if faults:
        raise InputError(faults, "environment")
    return Layer("environment", None, general=general)


def _project_file(folder: Path) -> Path | None:
    """Return the nearest file of settings in a folder or above it."""
    for place in (folder, *folder.parents):
        own, shared = place / FILE, place / _PYPROJECT
        if own.is_file():
            return own
        if shared.is_file() and "[tool.scheduling" in _text(shared):
            return shared
    return None


def _read(path: Path, verbs: Mapping[str, Any]) -> Layer:
    try:
        document = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rstrip(")").rpartition(" (at ")
        found = message[:1].lower() + message[1:]
        raise InputError.single(place or "document", found, "TOML", str(path)) from None
    head = ""
    if path.name == _PYPROJECT:
        document = document.get("tool", {}).get("scheduling", {})
        head = "tool.scheduling."
    general = {key: value for key, value in document.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    faults = [*_general_faults(general, verbs), *_verb_faults(tables, verbs)]
    if faults:
        placed = [Fault(head + one.place, one.found, one.expected) for one in faults]
        raise InputError(placed, str(path))
    return Layer("file", path, head, general, tables)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        found = (error.strerror or "an error").lower()
        raise InputError.single("file", found, "a file that can be read", str(path)) from None
    except UnicodeDecodeError:
        raise InputError.single("file", "no UTF-8 text", "TOML", str(path)) from None


def _general_faults(values: Mapping[str, Any], verbs: Mapping[str, Any]) -> Iterator[Fault]:
    for key, value in values.items():
        if key not in GENERAL:
            known = [*GENERAL, *(f"[{verb}]" for verb in verbs)]
            yield Fault(key, "no such setting", _one_of(key, known))
        elif not _is(value, GENERAL[key]):
            yield Fault(key, repr(value), _TYPES[GENERAL[key]])


def _verb_faults(tables: Mapping[str, Any], verbs: Mapping[str, Any]) -> Iterator[Fault]:
    for verb, values in tables.items():
        if verb not in verbs:
            yield Fault(f"[{verb}]", "no such verb", _one_of(verb, list(verbs)))
            continue
        known = list(settable(verbs[verb]))
        for key in values:
            if key not in known:
                yield Fault(f"{verb}.{key}", "no such setting", _one_of(key, known))


def _one_of(name: str, known: Sequence[str]) -> str:
    return f"one of: {', '.join(known) or 'nothing'}{did_you_mean(name, known)}"


def _source(context: typer.Context, parameter: Any) -> str | None:
    source = context.get_parameter_source(parameter.name or "")
    return None if source is None else source.name


def _is(value: Any, wanted: type) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) if wanted is float else isinstance(value, wanted)


def _converted(value: Any, parameter: Any, context: typer.Context) -> Any:
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
