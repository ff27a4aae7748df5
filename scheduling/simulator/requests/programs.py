"""Programs while they run: which calls come next, and what has been revealed of them."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from scheduling.errors import InputError
from scheduling.models.requests.programs import NO_TOOL, ProgramTable
from scheduling.simulator.requests.live import Live


class Phase(IntEnum):
    """Where a program is."""

    COMING = 0
    REASONING = 1
    ACTING = 2
    ENDED = 3


class Behind(NamedTuple):
    """Calls one after the other behind a call: how many, and the tokens of all of them."""

    calls: float
    prompt_tokens: float
    answer_tokens: float


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
    """

    def __init__(self, table: ProgramTable) -> None:
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
        self.turns = [0] * count
        self.tokens = [0] * count
        self._firsts: list[int] = [*table.firsts.tolist(), len(table)]
        self._after = [table.waits(row).tolist() for row in range(len(table))]
        self._streams = [
            [stream for stream, _ in table.paths.row(row)] for row in range(len(table))
        ]
        self._users: dict[int, set[int]] = {}
        for row, streams in enumerate(self._streams):
            for stream in streams:
                self._users.setdefault(stream, set()).add(self._program[row])
        self._ended = [False] * len(table)
        self._steps: dict[int, dict[int, int]] = {}
        self._prompts: list[int] = table.requests.prompt_tokens.tolist()
        self._answers: dict[int, tuple[int, int]] = {}
        self._behind: dict[int, list[int]] = {}
        self._totals: list[int] = (
            table.requests.prompt_tokens + table.requests.output_tokens
        ).tolist()

    def of(self, row: int) -> int:
        """Return the program of a request."""
        return self._program[row]

    def agent(self, row: int) -> int:
        """Return the step of workflows that a request is, as the table of programs numbers them."""
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

    def follow(self, row: int) -> list[tuple[int, int]]:
        """Return the calls that come once a call ends, each with the tokens of its prompt."""
        return [(one, self._prompts[one]) for one in self._next[row] if self._waits[one] == 1]

    def steps_to(self, stream: int) -> int | None:
        """Return the steps until a call uses a stream, by the workflows' graphs of what has come.

        0 for one that runs or is next; ``None`` when no call of a program that has come is to.
        """
        found = None
        for program in self._users.get(stream, ()):
            if self.phase[program] in (Phase.REASONING, Phase.ACTING):
                steps = self._ahead(program).get(stream)
                if steps is not None and (found is None or steps < found):
                    found = steps
        return found

    def _ahead(self, program: int) -> dict[int, int]:
        """Return the fewest steps until each stream is used by what is left of a program."""
        known = self._steps.get(program)
        if known is not None:
            return known
        levels: dict[int, int] = {}
        found: dict[int, int] = {}
        for row in range(self._firsts[program], self._firsts[program + 1]):
            if self._ended[row]:
                continue
            before = [levels[one] for one in self._after[row] if one in levels]
            levels[row] = level = max(before, default=-1) + 1
            for stream in self._streams[row]:
                found[stream] = min(level, found.get(stream, level))
        self._steps[program] = found
        return found

    def mean_answer(self, agent: int) -> float | None:
        """Return the mean tokens of the answers of a step of workflows; ``None`` before any."""
        tokens, count = self._answers.get(agent, (0, 0))
        return tokens / count if count else None

    def mean_behind(self, agent: int) -> Behind:
        """Return what came behind a call of this step, on average over programs that have ended."""
        *sums, count = self._behind.get(agent, (0, 0, 0, 0))
        return Behind(*(each / max(count, 1) for each in sums))

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
        self.phase[program] = Phase.REASONING

    def ended(self, request: Live, now: int) -> list[tuple[int, int]]:
        """Note the end of a call; return the calls that now come, each with its time."""
        row = request.row
        program = self._program[row]
        self._open[program] -= 1
        self._left[program] -= 1
        self.tokens[program] = self._totals[row]
        self._ended[row] = True
        self._steps.pop(program, None)
        agent = self._agent[row]
        tokens, count = self._answers.get(agent, (0, 0))
        self._answers[agent] = (tokens + self._totals[row] - self._prompts[row], count + 1)
        coming = []
        for following in self._next[row]:
            self._waits[following] -= 1
            if not self._waits[following]:
                coming.append((now + self._gaps[following], following))
        if not self._open[program]:
            self.phase[program] = Phase.ACTING if self._left[program] else Phase.ENDED
            if not self._left[program]:
                self._learn(program)
        return coming

    def _learn(self, program: int) -> None:
        """Note the longest chain of calls behind each of an ended program."""
        behind: dict[int, tuple[int, int, int]] = {}
        for row in reversed(range(self._firsts[program], self._firsts[program + 1])):
            chains = []
            for after in self._next[row]:
                calls, prompts, answers = behind[after]
                answer = self._totals[after] - self._prompts[after]
                chains.append((calls + 1, prompts + self._prompts[after], answers + answer))
            behind[row] = max(chains, default=(0, 0, 0))
            known = self._behind.setdefault(self._agent[row], [0, 0, 0, 0])
            for place, each in enumerate((*behind[row], 1)):
                known[place] += each

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


def demanded(programs: Programs | None, policy: str) -> Programs:
    """Return the programs that a policy cannot do without.

    Parameters
    ----------
    programs
        Those of the run; ``None``: its requests belong to none.
    policy
        Name of the policy.

    Raises
    ------
    InputError
        When there are none.
    """
    if programs is None:
        raise InputError.single(f"policy {policy}", "requests", "programs of agents")
    return programs
