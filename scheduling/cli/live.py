"""The live line of a running solve, on stderr and only where a person watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from scheduling.cli import logs
from scheduling.report.words import number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scheduling.bench.records import Record
    from scheduling.solvers.board import Progress

_INTERVAL = 0.1
_BAR = 30


class _Line:
    """One line on stderr that is rewritten; silent when stderr is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._active = not quiet and sys.stderr.isatty() and not logs.structured()
        self._last = 0.0
        self._width = 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Erase the line."""
        self._last = 0.0
        self._write("")

    def _write(self, text: str) -> None:
        """Replace the line, at most ten times a second."""
        now = time.monotonic()
        if self._active and now - self._last >= _INTERVAL:
            self._last = now
            sys.stderr.write("\r" + text.ljust(self._width) + ("" if text else "\r"))
            sys.stderr.flush()
            self._width = len(text)


class LiveLine(_Line):
    """Seconds, value, bound and gap of a running solve.

    Parameters
    ----------
    quiet
        Show nothing.
    kind, tiers
        Kind of the problem and names of its tiers, for the units of values; empty: as they are.
    """

    def __init__(self, *, quiet: bool, kind: str = "", tiers: Sequence[str] = ()) -> None:
        super().__init__(quiet=quiet)
        self._kind, self._tiers = kind, tiers

    def update(self, report: Progress) -> None:
        """Show a report."""
        from scheduling.models.base import relative_gap
        from scheduling.report.natural import natural_value

        name = "".join(self._tiers[report.tier : report.tier + 1])
        value, bound = (
            number(natural_value(self._kind, name, one)) for one in (report.objective, report.bound)
        )
        gap = percent(relative_gap(report.objective, report.bound))
        tier = f"tier {report.tier + 1}  " if report.tier else ""
        self._write(
            f"{report.seconds:7.1f} s  {tier}value {value}"
            f"  bound {bound}  gap {gap}  ({report.solver})"
        )


class CountLine(_Line):
    """How many operators of a profile are measured."""

    def update(self, done: int, total: int) -> None:
        """Show a count."""
        self._write(f"{done} of at most {total} operators measured")


class SimulatedLine(_Line):
    """Simulated and real time of a run, and its requests."""

    def update(self, policy: str, now: int, come: int, ended: int) -> None:
        """Show how far a policy's run is."""
        seconds = time.monotonic() - self._began
        self._write(
            f"{policy}: {now / 1e9:,.0f} s simulated in {seconds:.1f} s  {come} requests came, "
            f"{ended} ended"
        )


class ProgressBar(_Line):
    """How many runs of a benchmark or a sweep are done."""

    def update(self, record: Record, done: int, total: int) -> None:
        """Show the run of a benchmark that just ended."""
        self.show(f"{record.instance}  {record.solver}", done, total)

    def show(self, what: str, done: int, total: int) -> None:
        """Show what just ended."""
        filled = _BAR * done // total
        bar = "#" * filled + "." * (_BAR - filled)
        self._write(f"[{bar}] {done}/{total}  {what}")
