"""A scenario in a process of its own, which can be stopped and may crash.

``python -m scheduling.scenarios.atlas.alone NAME SECONDS FILE`` runs one and prints its rows as
JSON. It ends with the process that started it: standard input is held open for as long as that
lives. The file stands there while kernels are compiled, which does not count.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduling.errors import SchedulingError
from scheduling.scenarios.atlas.entries import Entry, Outcome, row_of, row_record
from scheduling.scenarios.registry import scenario
from scheduling.scenarios.scenario import (
    DATA_VARIABLE,
    MissingDataError,
    TooShortError,
)
from scheduling.solvers.warmup import STANDING

_SHARE = 0.7
"""Share of its budget that a scenario is told of: loading comes on top."""

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Task:
    """A scenario to run.

    Parameters
    ----------
    name
        Of the scenario.
    budget_seconds
        After so long it is stopped; what the first compilation of kernels takes does not count.
    data
        Folder of data sets; ``None`` without one.
    """

    name: str
    budget_seconds: float
    data: str | None


def run_alone(task: Task) -> Entry:
    """Run a scenario in a process of its own, and stop it when its budget is spent."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        compiling = Path(folder) / "compiling"
        process = _started(task, compiling)
        # Left to communicate(), it would be closed at once, and the process would end.
        held, process.stdin = process.stdin, None
        try:
            return _watched(task, process, compiling)
        finally:
            if held is not None:
                held.close()
            if process.returncode is None:
                _kill(process)


def _watched(task: Task, process: subprocess.Popen[bytes], compiling: Path) -> Entry:
    """Wait for a process until it ends or its budget is spent."""
    spent, last = 0.0, time.monotonic()
    while True:
        stands = compiling.exists()
        patience = _LOOK_SECONDS if stands else min(_LOOK_SECONDS, task.budget_seconds - spent)
        found: tuple[bytes, bytes] | None = None
        with suppress(subprocess.TimeoutExpired):
            found = process.communicate(timeout=patience)
        before, last = last, time.monotonic()
        spent += 0.0 if stands else last - before
        if found is not None:
            return _entry(task.name, spent, process.returncode, *found)
        if spent >= task.budget_seconds and not compiling.exists():
            reason = f"stopped at its budget of {task.budget_seconds:g} s"
            return Entry(task.name, Outcome.STOPPED, spent, reason=reason)


def _arguments(task: Task, compiling: Path) -> list[str]:
    seconds = repr(_SHARE * task.budget_seconds)
    return [sys.executable, "-m", __name__, task.name, seconds, str(compiling)]


def _started(task: Task, compiling: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ}
    environment.pop(DATA_VARIABLE, None)
    if task.data is not None:
        environment[DATA_VARIABLE] = task.data
    return subprocess.Popen(  # noqa: S603  # this interpreter, and a name of the registry
        _arguments(task, compiling),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        # Ctrl-C reaches all processes of a terminal's group; this one is ended by who started it.
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


def _entry(name: str, seconds: float, code: int, out: bytes, errors: bytes) -> Entry:
    """Return what a process that ended by itself says."""
    if code < 0:
        return Entry(name, Outcome.FAILED, seconds, reason=f"ended by signal {-code}")
    if code > 0:
        said = errors.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"ended with exit code {code}"
        return Entry(name, Outcome.FAILED, seconds, reason=reason)
    found = json.loads(out.splitlines()[-1])
    rows = tuple(row_of(row) for row in found["rows"])
    return Entry(name, Outcome(found["outcome"]), seconds, rows, found["reason"])


def _found(name: str, seconds: float) -> dict[str, Any]:
    """Run a scenario here and return what came of it as plain data."""
    rows: list[dict[str, Any]] = []
    outcome, reason = Outcome.RAN, None
    try:
        rows = [row_record(row) for row in scenario(name).rows(seconds)]
    except MissingDataError as error:
        outcome, reason = Outcome.NEEDS_DATA, str(error)
    except TooShortError as error:
        outcome, reason = Outcome.STOPPED, str(error)
    except SchedulingError as error:
        outcome, reason = Outcome.FAILED, str(error)
    return {"outcome": outcome.value, "reason": reason, "rows": rows}


def _tell_of_compiling(file: Path) -> None:
    """Let a file stand there while kernels are compiled."""
    STANDING.append(lambda begins: file.touch() if begins else file.unlink(missing_ok=True))


def _end_with_parent() -> None:
    """Wait until the other end of standard input is gone, and end then."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _tell_of_compiling(Path(sys.argv[3]))
    # What run_alone reads.
    sys.stdout.write(json.dumps(_found(sys.argv[1], float(sys.argv[2]))) + "\n")
