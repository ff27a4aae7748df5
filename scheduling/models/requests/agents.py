"""Agent programs as distributions, and tables of programs drawn from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Document, Frozen, Many, Name
from scheduling.models.faults import repeated
from scheduling.models.requests.arrivals import Arrivals
from scheduling.models.requests.lengths import Lengths
from scheduling.models.requests.programs import Call, Program, ProgramTable, program_table

_MOST_TURNS = 10_000


class ToolTime(Frozen):
    """A tool: how often it is called, and how long it takes: lognormal, at most some seconds."""

    name: Name
    share: Annotated[float, Field(gt=0, le=1e6, strict=False)] = Field(
        default=1.0, description="How often, relative to the other tools."
    )
    median_seconds: Annotated[float, Field(ge=0, le=1e6, strict=False)]
    sigma: Annotated[float, Field(ge=0, le=10, strict=False)] = 0.0
    at_most_seconds: Annotated[float, Field(ge=0, le=1e6, strict=False)] = 1e6

    def draw(self, rng: np.random.Generator) -> float:
        """Draw the seconds of one use."""
        if not self.median_seconds:
            return 0.0
        drawn = self.median_seconds * float(np.exp(self.sigma * rng.standard_normal()))
        return min(drawn, self.at_most_seconds)


class Conversation(Document):
    """Programs of turns: each prompt is the last one, its answer, and what a tool returned."""

    kind: Literal["turns"] = "turns"
    name: Name = "agent"
    arrivals: Arrivals = Field(description="How programs come.")
    turns: Lengths = Field(description="Calls of a program.")
    system_tokens: Annotated[int, Field(ge=0, le=10**7)] = Field(
        default=0, description="At the head of every prompt, the same in all programs."
    )
    first: Lengths = Field(description="Tokens of the first prompt behind these.")
    result: Lengths = Field(description="Tokens that a tool adds to the context.")
    output: Lengths = Field(description="Tokens of an answer.")
    tools: Many[ToolTime] = Field(default=(), description="None: turns follow at once.")


class Step(Frozen):
    """A call in a workflow.

    Its prompt is a fixed part, the same whenever the step of this agent runs, and a part that is
    new each time.
    """

    agent: Name
    fixed_tokens: Annotated[int, Field(ge=0, le=10**7)] = 0
    fresh: Lengths = Field(description="Tokens of the prompt behind the fixed part.")
    output: Lengths = Field(description="Tokens of the answer.")
    after: Many[Name] = Field(default=(), description="Agents whose steps end first.")
    tool: ToolTime | None = Field(default=None, description="What runs before the step.")


class Workflow(Document):
    """Programs that are graphs of calls, run once or over and over.

    Raises
    ------
    InputError
        For agents that are named twice, or wait for one that does not stand before them.
    """

    kind: Literal["graph"] = "graph"
    name: Name = "workflow"
    arrivals: Arrivals = Field(description="How programs come.")
    steps: Annotated[Many[Step], Field(min_length=1)]
    rounds: Annotated[int, Field(ge=1, le=_MOST_TURNS)] = Field(
        default=1, description="How often the graph runs; a round waits for the last one's ends."
    )

    def _faults(self) -> list[Fault]:
        seen: set[str] = set()
        faults = []
        for number, step in enumerate(self.steps):
            if step.agent in seen:
                place = f"steps[{number}].agent"
                faults.append(Fault(place, repr(step.agent), "a name of its own"))
            faults += [
                Fault(f"steps[{number}].after", repr(name), "an agent that stands before it")
                for name in step.after
                if name not in seen
            ]
            seen.add(step.agent)
        return faults


class AgentWorkload(Document):
    """Classes of programs.

    Raises
    ------
    InputError
        When two classes have one name.
    """

    classes: Annotated[
        Many[Annotated[Conversation | Workflow, Field(discriminator="kind")]], Field(min_length=1)
    ]

    def _faults(self) -> Iterator[Fault]:
        return repeated("classes", (entry.name for entry in self.classes), "names that differ")


class _Streams:
    """Numbers of streams, each by what it is of."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}

    def of(self, what: object) -> int:
        return self._known.setdefault(what, len(self._known))


def draw_programs(workload: AgentWorkload, count: int, seed: int = 0) -> ProgramTable:
    """Draw the first programs of a workload.

    Parameters
    ----------
    workload
        What to draw from. Each class has random numbers of its own.
    count
        How many programs, over all classes.
    seed
        The same seed gives the same table.
    """
    streams = np.random.default_rng(seed).spawn(2 * len(workload.classes))
    names = _Streams()
    coming: list[tuple[float, int]] = []
    for number, entry in enumerate(workload.classes):
        times = np.cumsum(entry.arrivals.gaps(count, streams[2 * number]))
        coming += [(float(time), number) for time in times]
    programs = []
    for place, (time, number) in enumerate(sorted(coming)[:count]):
        entry, rng = workload.classes[number], streams[2 * number + 1]
        if isinstance(entry, Conversation):
            calls = _turns(entry, place, names, rng)
        else:
            calls = _rounds(entry, place, names, rng)
        programs.append(Program(time, tuple(calls), entry.name))
    return program_table(programs)


def _one(lengths: Lengths, rng: np.random.Generator) -> int:
    return int(lengths.draw(1, rng)[0])


def _turns(
    entry: Conversation, place: int, names: _Streams, rng: np.random.Generator
) -> list[Call]:
    shares = np.array([tool.share for tool in entry.tools])
    head = []
    if entry.system_tokens:
        head.append((names.of(("system", entry.name)), entry.system_tokens))
    own = names.of(("program", place))
    context = entry.system_tokens + _one(entry.first, rng)
    calls: list[Call] = []
    for turn in range(min(_one(entry.turns, rng), _MOST_TURNS)):
        tool = None
        if turn and entry.tools:
            tool = entry.tools[int(rng.choice(len(shares), p=shares / shares.sum()))]
        if turn:
            context += calls[-1].output_tokens + _one(entry.result, rng)
        calls.append(
            Call(
                prompt_tokens=context,
                output_tokens=_one(entry.output, rng),
                path=(*head, (own, context)),
                after=(turn - 1,) if turn else (),
                gap_seconds=tool.draw(rng) if tool else 0.0,
                tool=tool.name if tool else None,
                agent=entry.name,
            )
        )
    return calls


def _rounds(entry: Workflow, place: int, names: _Streams, rng: np.random.Generator) -> list[Call]:
    calls: list[Call] = []
    followed = {name for step in entry.steps for name in step.after}
    lasts = [number for number, step in enumerate(entry.steps) if step.agent not in followed]
    for turn in range(entry.rounds):
        base = len(calls)
        at = {step.agent: base + number for number, step in enumerate(entry.steps)}
        for step in entry.steps:
            after = tuple(at[name] for name in step.after)
            if turn and not after:
                after = tuple(base - len(entry.steps) + number for number in lasts)
            prompt = step.fixed_tokens + _one(step.fresh, rng)
            head = []
            if step.fixed_tokens:
                head.append((names.of(("agent", entry.name, step.agent)), step.fixed_tokens))
            calls.append(
                Call(
                    prompt_tokens=prompt,
                    output_tokens=_one(step.output, rng),
                    path=(*head, (names.of(("call", place, len(calls))), prompt)),
                    after=after,
                    gap_seconds=step.tool.draw(rng) if step.tool else 0.0,
                    tool=step.tool.name if step.tool else None,
                    agent=step.agent,
                )
            )
    return calls
