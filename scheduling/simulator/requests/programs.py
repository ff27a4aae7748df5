"""Programs while they run: which calls come next, and what has been revealed of them."""

from __future__ import annotations

from enum import IntEnum

from scheduling.models.requests.programs import NO_TOOL, ProgramTable
from scheduling.simulator.requests.live import Live


class Phase(IntEnum):
    """Where a program is."""

    COMING = 0
    REASONING = 1
    ACTING = 2
    ENDED = 3


class Programs:
    """What has been revealed of programs, and the calls that are yet to come.

    A program reasons while a call of it is queued or runs, and acts while it waits for tools.

    Attributes
    ----------
    phase
        Phase of each program.
    came_ns
        When each came.
    turns
        Calls that have come of each.
    tokens
        Tokens of the context of each: prompt of the call that came last, with its answer when that
        has ended.
    since_ns
        When its phase began.
    """

    def __init__(self, table: ProgramTable) -> None:
        self._table = table
        count = table.count
        self._program: list[int] = table.program.tolist()
        self._gaps: list[int] = table.gap_ns.tolist()
        self._tool: list[int] = table.tool.tolist()
        self._agent: list[int] = table.agent.tolist()
        starts, after = table.after_starts.tolist(), table.after.tolist()
        self._waits = [starts[row + 1] - starts[row] for row in range(len(table))]
        self._next: list[list[int]] = [[] for _ in range(len(table))]
        for row in range(len(table)):
            for before in after[starts[row] : starts[row + 1]]:
                self._next[before].append(row)
        self._open = [0] * count
        self._left = [0] * count
        for program in self._program:
            self._left[program] += 1
        self.phase = [Phase.COMING] * count
        self.came_ns = [0] * count
        self.since_ns = [0] * count
        self.turns = [0] * count
        self.tokens = [0] * count
        self._totals: list[int] = (
            table.requests.prompt_tokens + table.requests.output_tokens
        ).tolist()

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools."""
        return self._table.tools

    @property
    def agents(self) -> tuple[str, ...]:
        """Names of the steps of workflows."""
        return self._table.agents

    def of(self, row: int) -> int:
        """Return the program of a request."""
        return self._program[row]

    def agent(self, row: int) -> int:
        """Return the row of :attr:`agents` of a request."""
        return self._agent[row]

    def tool_before(self, row: int) -> int:
        """Return the tool that ran before a request that has come; -1 without one."""
        return self._tool[row]

    def tool_after(self, row: int) -> int | None:
        """Return the tool that an ended request calls: -1 is none, ``None`` the program's end."""
        following = self._next[row]
        if not following:
            return None
        return self._tool[following[0]]

    def acts(self, row: int) -> bool:
        """Tell whether a request that ends has called a tool."""
        tool = self.tool_after(row)
        return tool is not None and tool != NO_TOOL

    # What the engine tells.

    def starts(self) -> list[int]:
        """Return the calls that come with their programs."""
        return [row for row, waits in enumerate(self._waits) if not waits]

    def came(self, request: Live, now: int) -> None:
        """Note that a call has come."""
        program = self._program[request.row]
        if not self.turns[program]:
            self.came_ns[program] = now
        self.turns[program] += 1
        self.tokens[program] = request.prompt
        self._open[program] += 1
        if self.phase[program] != Phase.REASONING:
            self.phase[program] = Phase.REASONING
            self.since_ns[program] = now

    def ended(self, request: Live, now: int) -> list[tuple[int, int]]:
        """Note the end of a call; return the calls that now come, each with its time."""
        row = request.row
        program = self._program[row]
        self._open[program] -= 1
        self._left[program] -= 1
        self.tokens[program] = self._totals[row]
        coming = []
        for following in self._next[row]:
            self._waits[following] -= 1
            if not self._waits[following]:
                coming.append((now + self._gaps[following], following))
        if not self._open[program]:
            self.phase[program] = Phase.ACTING if self._left[program] else Phase.ENDED
            self.since_ns[program] = now
        return coming

    def rejected(self, row: int) -> int:
        """Note that a call fits into no memory; return how many never come because of it.

        The call itself counts. Calls of the program that do not wait for it go on.
        """
        lost = {row}
        stack = [row]
        while stack:
            for following in self._next[stack.pop()]:
                if following not in lost:
                    lost.add(following)
                    stack.append(following)
        count = 0
        program = self._program[row]
        for one in lost:
            if self._waits[one] >= 0:
                self._waits[one] = -1 - len(self._program)
                count += 1
        self._left[program] -= count
        if not self._left[program]:
            self.phase[program] = Phase.ENDED
        return count
