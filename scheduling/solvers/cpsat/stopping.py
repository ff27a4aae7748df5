"""Stopping: how a board ends the run of CP-SAT that is in progress."""

from __future__ import annotations

import threading
from typing import Any

from ortools.sat.python import cp_model

from scheduling.solvers.board import Board

_INSIST_SECONDS = 0.02


class StopSwitch:
    """Ends the CP-SAT run in progress, and any later one, as soon as a board stops.

    One switch serves many runs one after the other, so that a board collects one hook, not one
    for every run.
    """

    def __init__(self, board: Board[Any]) -> None:
        self._lock = threading.Lock()
        self._running: cp_model.CpSolver | None = None
        self.pressed = False
        board.on_stop(self.press)

    def press(self) -> None:
        """Stop the run in progress; later runs end at once."""
        self.pressed = True
        with self._lock:
            solver = self._running
        if solver is not None:
            solver.stop_search()
            threading.Thread(target=self._insist, args=(solver,), daemon=True).start()

    def _insist(self, solver: cp_model.CpSolver) -> None:
        """Repeat the request: CP-SAT drops one that comes just before its search has begun."""
        pause = threading.Event()
        while True:
            pause.wait(_INSIST_SECONDS)
            with self._lock:
                if self._running is not solver:
                    return
            solver.stop_search()

    def attach(self, solver: cp_model.CpSolver) -> None:
        """Name the run that :meth:`press` is to stop."""
        with self._lock:
            self._running = solver
        if self.pressed:
            self.press()

    def detach(self) -> None:
        """Forget the run, which has ended."""
        with self._lock:
            self._running = None
