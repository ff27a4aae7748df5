"""Programs of agents for tests, drawn and fixed."""

from __future__ import annotations

from hypothesis import strategies as st

from scheduling.models.requests.programs import Call, Program, ProgramTable, program_table


@st.composite
def program_tables(draw: st.DrawFn, most: int = 5) -> ProgramTable:
    """Draw a few programs: chains that share a head, forks that join, with tools in between."""
    head = draw(st.sampled_from([0, 3, 16, 21]))
    programs = []
    time = 0.0
    for number in range(draw(st.integers(1, most))):
        time += draw(st.sampled_from([0.0, 0.0, 0.004, 0.05]))
        calls: list[Call] = []
        context = head + draw(st.integers(1, 30))
        forks = draw(st.booleans())
        for turn in range(draw(st.integers(1, 5))):
            if turn and not forks:
                context += calls[-1].output_tokens + draw(st.integers(1, 12))
            stream = 100 * (number + 1) + (turn if forks else 0)
            path = [(0, head), (stream, context)] if head else [(stream, context)]
            after = (draw(st.integers(0, turn - 1)),) if forks and turn else ()
            if turn and not forks:
                after = (turn - 1,)
            calls.append(
                Call(
                    prompt_tokens=context,
                    output_tokens=draw(st.integers(1, 20)),
                    path=tuple(path),
                    after=after,
                    gap_seconds=draw(st.sampled_from([0.0, 0.001, 0.03, 1.0])) if after else 0.0,
                    tool=draw(st.sampled_from([None, "grep", "test"])) if after else None,
                    agent=draw(st.sampled_from(["plan", "write"])),
                )
            )
        programs.append(Program(time, tuple(calls)))
    return program_table(programs)
