"""``scheduling doctor``: what works on this machine, and what is missing."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import typer

from scheduling.cli import options, settings
from scheduling.cli.output import emit_json, table
from scheduling.cli.probes import PROBES, Finding, State, ask, package
from scheduling.cli.settings_files import FILE
from scheduling.errors import InputError, SchedulingError

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Extra:
    """Packages that bring something more, installed as ``scheduling[name]``.

    Attributes
    ----------
    name
        Of the extra; without brackets for a package that is installed by itself.
    modules
        Their import names.
    gives
        What they bring.
    """

    name: str
    modules: tuple[str, ...]
    gives: str


EXTRAS = (
    Extra("dask", ("distributed",), "runs on a Dask cluster: --backend dask"),
    Extra("ray", ("ray",), "runs on a Ray cluster: --backend ray"),
    Extra("profiles", ("pyarrow",), "Parquet: tables of operators, times of requests"),
    Extra("k8s", ("lightkube", "orjson", "starlette", "uvicorn"), "scheduling extender"),
)
_TORCH = Extra("PyTorch", ("torch",), "scheduling profile: operators measured on a GPU")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report.

    Attributes
    ----------
    area
        ``python``, ``engines``, ``extras``, ``machine`` or ``files``.
    name, state, version, licence, detail
        As in :class:`~scheduling.cli.probes.Finding`; the version of a resource is its size.
    needed
        Whether the package does not work without it.
    """

    area: str
    name: str
    state: State
    version: str | None = None
    licence: str | None = None
    detail: str = ""
    needed: bool = False

    @property
    def harms(self) -> bool:
        """Whether this keeps something from working that should."""
        return self.state == "broken" or (self.needed and self.state == "missing")


def doctor(context: typer.Context, json: options.Json = False) -> None:
    """Show what works here: engines, extras, cores, memory, GPUs, instances, settings.

    Each engine solves a tiny instance in a process of its own. Licences are those of free engines'
    packages, or say whether one was found for a bought one.
    """
    checks = [*examine(), _settings(context)]
    healthy = not any(check.harms for check in checks)
    if json:
        emit_json("doctor", {"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        _show(checks, healthy=healthy)
    raise typer.Exit(0 if healthy else 1)


def examine(probe: Callable[[str], list[Finding]] = ask) -> list[Check]:
    """Examine everything.

    Parameters
    ----------
    probe
        Asks an engine by the name of its probe.
    """
    with ThreadPoolExecutor() as pool:
        asked = pool.map(probe, PROBES)
        own = [*_python(), *map(_extra, (*EXTRAS, _TORCH)), *_machine(), _instances()]
        engines = [_check(one) for found in asked for one in found]
    return [own[0], own[1], *engines, *own[2:]]


def _check(found: Finding) -> Check:
    return Check("engines", **asdict(found), needed=found.name in PROBES)


def _python() -> tuple[Check, Check]:
    version, licence = package("scheduling")
    where = str(Path(__file__).resolve().parents[1])
    system = f"{platform.python_implementation()}, {platform.platform()}"
    return (
        Check("python", "Python", "ok", platform.python_version(), None, system),
        Check("python", "scheduling", "ok", version, licence, where),
    )


def _extra(extra: Extra) -> Check:
    missing = [name for name in extra.modules if find_spec(name) is None]
    if not missing:
        version, licence = package(extra.modules[0])
        return Check("extras", extra.name, "ok", version, licence, extra.gives)
    way = "torch" if extra is _TORCH else f'"scheduling[{extra.name}]"'
    return Check("extras", extra.name, "missing", detail=f"{extra.gives}; pip install {way}")


def _machine() -> Iterable[Check]:
    from scheduling.machine import cores, memory

    found = cores()
    quota = "none" if found.quota is None else f"{found.quota:g}"
    detail = f"{found.present} present, {found.allowed} allowed to this process, quota {quota}"
    yield Check("machine", "cores", "ok", str(found.usable), None, detail)
    held = memory()
    limit = "none" if held.limit_bytes is None else _size(held.limit_bytes)
    detail = f"{_size(held.total_bytes)} present, limit of the container {limit}"
    yield Check("machine", "memory", "ok", _size(held.usable_bytes), None, detail)
    yield _gpus()


def _gpus() -> Check:
    from scheduling.machine import gpus

    try:
        found = gpus()
    except OSError as error:
        return Check("machine", "GPUs", "broken", detail=f"nvidia-smi: {error}")
    if not found:
        return Check("machine", "GPUs", "missing", detail="no NVIDIA driver; profile needs one")
    names = (f"{one.name} with {_size(one.memory_bytes)}" for one in found)
    detail = f"{', '.join(names)}; driver {found[0].driver}"
    return Check("machine", "GPUs", "ok", str(len(found)), None, detail)


def _size(count: int | None) -> str:
    return "unknown" if count is None else f"{count / _GIB:.1f} GiB"


def _instances() -> Check:
    from scheduling.instances import bundled

    check = Check("files", "bundled instances", "ok", needed=True)
    names = (*bundled.names(), *bundled.fleets())
    faults = []
    for name in names:
        try:
            bundled.load(name)
        except (SchedulingError, OSError, KeyError, ValueError) as error:
            faults.append(f"{name}: {error}")
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        return replace(check, state="broken", detail=f"{faults[0]}{more}")
    return replace(check, version=str(len(names)), detail="all are read")


def _settings(context: typer.Context) -> Check:
    check = Check("files", "settings", "ok")
    try:
        found = settings.checked(context)
    except InputError as error:
        more = f" and {len(error.faults) - 1} more" if len(error.faults) > 1 else ""
        return replace(check, state="broken", detail=f"{str(error).splitlines()[0]}{more}")
    files = ", ".join(found.files)
    return replace(check, detail=files or f"no {FILE}: verbs take their own defaults")


def _show(checks: list[Check], *, healthy: bool) -> None:
    rows = [
        [one.area, one.name, one.state, one.version or "", one.licence or "", one.detail]
        for one in checks
    ]
    table(["area", "what", "state", "version, size", "licence", "detail"], rows)
    broken = ", ".join(one.name for one in checks if one.harms)
    typer.echo("  all that is installed works" if healthy else f"  not in order: {broken}")
