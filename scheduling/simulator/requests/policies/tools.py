"""What is learned of tools while programs run: how long they take."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict

from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.programs import Programs


class ToolTimes:
    """Seconds that tools took so far, of each and of all, ascending.

    Parameters
    ----------
    programs
        The programs that call them.
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._since: dict[int, int] = {}
        self.of: defaultdict[int, list[float]] = defaultdict(list)
        self.all: list[float] = []

    def called(self, request: Live, now: int) -> None:
        """Note that a request has ended, whose program now waits for a tool."""
        self._since[self._programs.of(request.row)] = now

    def came(self, request: Live, now: int) -> None:
        """Note that a program has come back from its tool."""
        since = self._since.pop(self._programs.of(request.row), None)
        tool = self._programs.tool_before(request.row)
        if since is not None and tool >= 0:
            seconds = (now - since) / NS_PER_SECOND
            insort(self.of[tool], seconds)
            insort(self.all, seconds)
