"""ChunkFlow: sequences of any length in chunks of one size, with activations of a few chunks.

Lengths are drawn from the data set's prompts and answers. Packing is held against the least number
of chunks that may exist; without it every sequence has chunks of its own. One long sequence shows
the order of passes: memory for activations stays at the chunks that are kept, however long it is.
"""

from __future__ import annotations

import csv

import numpy as np

from scheduling.models.packing.order import most_kept, passes_again, state_aware_order
from scheduling.models.packing.problem import PackingProblem
from scheduling.models.packing.solution import PackingSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

FILES = ("llm_lengths/sharegpt_8k_llama2.csv", "llm_lengths/arxiv_summarization_llama2.csv")
SEQUENCES = 100_000
_SIZES = (8192, 32768)
_LONG = 256 * 1024
_KEPT = 2
_LEAST_SECONDS = 10.0
_PUBLISHED = "up to 4.53 x Megatron-LM's speed (arXiv 2503.02356)"


def sample(limits: Run, name: str, count: int) -> tuple[int, ...]:
    """Draw lengths from a table of prompts and answers.

    Parameters
    ----------
    limits
        Says where the data are.
    name
        The table.
    count
        How many.
    """
    with limits.file("chunkflow", name).open(newline="") as stream:
        lengths = [
            int(row["num_prefill_tokens"]) + int(row["num_decode_tokens"])
            for row in csv.DictReader(stream)
        ]
    drawn = np.random.default_rng(0).choice(lengths, count)
    return tuple(int(length) for length in drawn)


def run(limits: Run) -> list[Row]:
    """Pack both tables at each size of chunks, and order the passes of a long sequence."""
    rows: list[Row] = []
    for name in FILES:
        lengths = sample(limits, name, SEQUENCES)
        problems = [PackingProblem(chunk_tokens=size, lengths=lengths) for size in _SIZES]
        rows += [_packing(name, problem, limits) for problem in problems]
    chunks = _LONG // _SIZES[0]
    steps = state_aware_order(chunks, _KEPT)
    again = sum(step.action == "forward" for step in steps) - chunks
    least = passes_again(chunks, _KEPT)
    rows.append(
        Row(
            case=f"one sequence of {_LONG} tokens, chunks of {_SIZES[0]}",
            measure="chunks with activations in memory",
            baseline="all kept",
            baseline_value=float(chunks),
            method=f"state-aware order, {_KEPT} kept",
            value=float(most_kept(steps)),
            gap=None,
            published=_PUBLISHED,
            verdict=f"{again} forward passes again, "
            + ("the fewest" if again == least else f"at least {least}"),
        )
    )
    return rows


def _packing(name: str, problem: PackingProblem, limits: Run) -> Row:
    found: PackingSolution = solve(problem, time_limit=max(_LEAST_SECONDS, limits.left / 4))
    size = problem.chunk_tokens
    alone = sum(-(-length // size) for length in problem.lengths)
    tokens = sum(problem.lengths)
    value = float(found.objective or 0)
    return Row(
        case=f"{len(problem.lengths)} sequences of {name.split('/')[1].split('_', maxsplit=1)[0]}, "
        f"chunks of {size}",
        measure="chunks",
        baseline="no packing",
        baseline_value=float(alone),
        method=found.solver,
        value=value,
        gap=found.gap,
        published=_PUBLISHED,
        verdict=f"{tokens / value / size:.1%} full, {tokens / alone / size:.1%} without",
    )


SCENARIO = Scenario(
    name="chunkflow",
    system="ChunkFlow: training on sequences of variable length in chunks (arXiv 2503.02356)",
    problem="sequences packed in chunks, passes with few activations",
    wants=", ".join(FILES),
    run=run,
    targets=(
        Target(("^chunks$",), at_most=1),
        Target(("activations in memory",), of="value", at_most=2),
        Target(
            ("^chunks$",),
            of="gap",
            at_most=0.001,
            otherwise="the time did not suffice for programs of many lengths",
        ),
    ),
)
