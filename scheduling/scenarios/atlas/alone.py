"""A scenario in a process of its own, which can be stopped and may crash.

``python -m scheduling.scenarios.atlas.alone NAME SECONDS`` runs one and prints its rows as JSON. It
ends with the process that started it: standard input is held open for as long as that lives.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from scheduling.errors import SchedulingError
from scheduling.scenarios.atlas.entries import Entry, Outcome, row_of, row_record
from scheduling.scenarios.registry import scenario
from scheduling.scenarios.scenario import (
    DATA_VARIABLE,
    MissingDataError,
    TooShortError,
)

_SHARE = 0.7
"""Share of its budget that a scenario is told of: loading and compiling come on top."""


@dataclass(frozen=True, slots=True)
class Task:
    """A scenario to run.

    Parameters
    ----------
    name
        Of the scenario.
    budget_seconds
        After so long it is stopped.
    data
        Folder of data sets; ``None`` without one.
    """

    name: str
    budget_seconds: float
    data: str | None


def run_alone(task: Task) -> Entry:
    """Run a scenario in a process of its own, and stop it when its budget is spent."""
    began = time.monotonic()
    process = _started(task)
    # Left to communicate(), it would be closed at once, and the process would end.
    held, process.stdin = process.stdin, None
    try:
        out, errors = process.communicate(timeout=task.budget_seconds)
    except subprocess.TimeoutExpired:
        spent = f"stopped at its budget of {task.budget_seconds:g} s"
        return Entry(task.name, Outcome.STOPPED, time.monotonic() - began, reason=spent)
    finally:
        if held is not None:
            held.close()
        if process.returncode is None:
            _kill(process)
    return _entry(task.name, time.monotonic() - began, process.returncode, out, errors)


def _arguments(task: Task) -> list[str]:
    return [sys.executable, "-m", __name__, task.name, repr(_SHARE * task.budget_seconds)]


def _started(task: Task) -> subprocess.Popen[bytes]:
    environment = {**os.environ}
    environment.pop(DATA_VARIABLE, None)
    if task.data is not None:
        environment[DATA_VARIABLE] = task.data
    return subprocess.Popen(  # noqa: S603  # this interpreter, and a name of the registry
        _arguments(task),
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


def _end_with_parent() -> None:
    """Wait until the other end of standard input is gone, and end then."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # What run_alone reads.
    sys.stdout.write(json.dumps(_found(sys.argv[1], float(sys.argv[2]))) + "\n")
