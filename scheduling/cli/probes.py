"""Whether engines work: one probe each, run in a process of its own that may die of it.

``python -m scheduling.cli.probes NAME`` prints what a probe finds as JSON.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from scheduling.errors import SchedulingError, SolverError

if TYPE_CHECKING:
    from scheduling.models.base import Problem

State = Literal["ok", "missing", "broken"]

_SECONDS = 60.0
"""Limit of a tiny solve."""

_PATIENCE = 180.0
"""Seconds that a probe may take, loading included."""

_BEST = 6
"""Proven makespan of the tiny job shop."""

_BRANDS = re.compile(
    r"(appsi_)?(cbc|copt|cplex|cp_optimizer|cuopt|glpk|gurobi|highs|mosek|scip|xpress)(_direct)?"
)
"""Names in Pyomo of engines for integer programs; it also lists nonlinear and stateful ones."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found of an engine.

    Attributes
    ----------
    name
        Of the engine, as in ``--solver``.
    state
        ``ok``; ``missing``: not installed; ``broken``: installed, and does not work.
    version
        As the engine says; ``None`` when it does not.
    licence
        Licence of a free engine's package, or whether a bought one's was found.
    detail
        What was tried, or what went wrong.
    """

    name: str
    state: State
    version: str | None = None
    licence: str | None = None
    detail: str = ""


def cp_sat() -> list[Finding]:
    """Solve with CP-SAT."""
    return [_engine("cp-sat", "ortools")]


def highs() -> list[Finding]:
    """Solve with HiGHS."""
    return [_engine("mip", "highspy")]


def numba() -> list[Finding]:
    """Compile a function with numba."""
    from numba import njit

    @njit()
    def twice(value: int) -> int:
        return 2 * value

    if twice(21) != 42:
        raise SolverError("a compiled function returns a wrong value")
    version, licence = package("numba")
    return [Finding("numba", "ok", version, licence, "compiled a function")]


def pyomo() -> list[Finding]:
    """Ask Pyomo for its engines and solve with each that is there."""
    import pyomo.environ as pyo

    found = [_seen(name) for name in sorted(pyo.SolverFactory) if _BRANDS.fullmatch(name)]
    there = [one for one in found if one.state != "missing"]
    absent = ", ".join(one.name for one in found if one.state == "missing")
    version, licence = package("pyomo")
    own = Finding("pyomo", "ok", version, licence, f"finds no {absent}" if absent else "")
    return [own, *there]


PROBES: dict[str, Callable[[], list[Finding]]] = {
    "cp-sat": cp_sat,
    "mip": highs,
    "numba": numba,
    "pyomo": pyomo,
}


def package(name: str) -> tuple[str | None, str | None]:
    """Return version and licence of an installed package, from what it says of itself."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        told = metadata(name).json
    except PackageNotFoundError:
        return None, None
    classifiers = map(str, told.get("classifier", ()))
    classified = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License")]
    stated = str(told.get("license", "")).partition("\n")[0]
    licence = told.get("license_expression") or stated or ", ".join(classified)
    return str(told["version"]), str(licence) or None


def ask(name: str, command: Sequence[str] | None = None) -> list[Finding]:
    """Run a probe in a process of its own, so that nothing it does can end this one.

    Parameters
    ----------
    name
        Of the probe.
    command
        What to run; default: this module with the name.
    """
    command = command or [sys.executable, "-m", "scheduling.cli.probes", name]
    try:
        ran = subprocess.run(  # noqa: S603 - the interpreter that runs this
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return [Finding(name, "broken", detail=f"no answer in {_PATIENCE:g} seconds")]
    lines = ran.stdout.splitlines()
    if ran.returncode == 0 and lines:
        try:
            return [Finding(**entry) for entry in json.loads(lines[-1])]
        except (TypeError, ValueError):
            return [Finding(name, "broken", detail=f"unexpected answer: {lines[-1][:200]}")]
    said = ran.stderr.strip().splitlines()
    last = said[-1] if said else "it said nothing"
    how = f"signal {-ran.returncode}" if ran.returncode < 0 else f"exit code {ran.returncode}"
    return [Finding(name, "broken", detail=f"its process ended with {how}: {last[:300]}")]


def _engine(name: str, distribution: str) -> Finding:
    version, licence = package(distribution)
    return Finding(name, "ok", version, licence, _solved(name))


def _seen(engine: str) -> Finding:
    """Ask for an engine of Pyomo, and solve with it."""
    import pyomo.environ as pyo

    from scheduling.solvers.linear.external import External

    name = f"mip:{engine}"
    ready = External(engine).availability()
    if not ready:
        return Finding(engine, "missing", detail=ready.detail)
    solver = pyo.SolverFactory(engine)
    version = licence = None
    try:
        told = solver.version()
        version = None if told is None else ".".join(map(str, told))
        licence = "found" if solver.license_is_valid() else "none found"
        return Finding(name, "ok", version, licence, _solved(name))
    except Exception as error:  # noqa: BLE001 - interfaces fail in ways of their own
        return Finding(name, "broken", version, licence, f"{type(error).__name__}: {error}")


def _solved(solver: str) -> str:
    """Solve the tiny job shop, and say so.

    Raises
    ------
    SolverError
        When the answer is another than the proven one.
    """
    import scheduling as sch

    # Some engines neither count threads nor start from a seed; one worker is what all can do.
    found = sch.solve(_shop(), solver, time_limit=_SECONDS, workers=1)
    if found.status != "optimal" or found.objective != _BEST:
        told = f"{found.status}, makespan {found.objective}"
        raise SolverError(f"a job shop whose optimum is {_BEST} gave: {told}")
    return f"solved a job shop: {found.objective}, proven and checked"


def _shop() -> Problem:
    from scheduling.instances import formats

    return formats.by_name("jsplib").read("2 2\n0 3 1 2\n1 4 0 1\n", "tiny")


def main() -> None:
    """Print what the probe that the command names finds."""
    name = sys.argv[1]
    # Pyomo warns of each program that it does not find.
    logging.getLogger("pyomo").setLevel(logging.CRITICAL)
    try:
        found = PROBES[name]()
    except ModuleNotFoundError as error:
        found = [Finding(name, "missing", detail=str(error))]
    except (SchedulingError, ImportError, OSError, RuntimeError, ValueError) as error:
        found = [Finding(name, "broken", detail=f"{type(error).__name__}: {error}")]
    print(json.dumps([asdict(one) for one in found]))


if __name__ == "__main__":
    main()
