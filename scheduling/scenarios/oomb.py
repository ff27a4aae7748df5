"""OOMB: training on long sequences chunk by chunk, with pages of keys and values off the GPU.

The sequence is worked on in chunks, forward and then backward with activations computed anew, so
that activations take the memory of one chunk however long the sequence is. Keys and values of all
chunks stay, and pages that are not needed soon are copied to the host beside the computation. Here
the memory of both ways is counted, and the copies are a placement in tiers that is certified.

Known by its abstract; inferred: Qwen2.5-7B in two bytes, chunks of 4096 tokens, a GPU and a host
with 50 GB/s between them, which pages off the GPU are read and copied with.
"""

from __future__ import annotations

from scheduling.models.tiers.problem import Tensor, TieredProblem, TierMemory, Use
from scheduling.models.tiers.solution import TieredSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_LAYERS, _HIDDEN, _KV_HEADS, _HEAD = 28, 3584, 4, 128
_CHUNK = 4096
_ACTIVATIONS = 34
"""Bytes of activations of a layer for each token and hidden unit, in two bytes precision."""

_LENGTHS = (65_536, 262_144)
_MIB = 2**20
_CHUNKS, _ROOM = 24, 4
_GPU_RATE, _HOST_RATE = 3000, 50
"""MiB in a millisecond."""

_COMPUTE = 72
"""Milliseconds of a chunk: two operations for each parameter and token at 800 TFLOP/s."""


def activation_bytes(tokens: int) -> int:
    """Bytes of activations when so many tokens are worked on at once, one layer kept in full."""
    return tokens * _HIDDEN * (_ACTIVATIONS + 2 * _LAYERS)


def kv_bytes(tokens: int) -> int:
    """Bytes of keys and values of so many tokens."""
    return tokens * 2 * _KV_HEADS * _HEAD * 2 * _LAYERS


def chunked(chunks: int, room: int) -> TieredProblem:
    """State the pages of KV of all chunks over the forward and the backward pass.

    Chunk i is made in step i; step j of the forward pass reads all pages before it. The backward
    pass goes through the chunks from the last one on, and reads the same. The GPU has room for
    some pages only. Sizes are in MiB, ticks milliseconds.
    """
    page = max(1, kv_bytes(_CHUNK) // _MIB)
    tensors = []
    for chunk in range(chunks):
        forward = range(chunk, chunks)
        backward = range(chunks, 2 * chunks - chunk)
        tensors.append(
            Tensor(
                id=f"page {chunk}",
                size=page,
                start=chunk,
                end=2 * chunks - chunk,
                uses=tuple(Use(step=step, bytes=page) for step in (*forward, *backward)),
            )
        )
    return TieredProblem(
        name=f"oomb-{chunks}",
        memories=(
            TierMemory(id="gpu", bandwidth=_GPU_RATE, capacity=room * page),
            TierMemory(id="host", bandwidth=_HOST_RATE),
        ),
        compute=(_COMPUTE,) * (2 * chunks),
        tensors=tuple(tensors),
        link=_HOST_RATE,
    )


def one_after_the_other(problem: TieredProblem, solution: TieredSolution) -> int:
    """Return the milliseconds when a step waits for its pages off the GPU, and works then."""
    near = {
        (entry.tensor, step)
        for entry in solution.residences
        if entry.memory == "gpu"
        for step in range(entry.since, entry.until)
    }
    far = sum(
        use.bytes
        for tensor in problem.tensors
        for use in tensor.uses
        if (tensor.id, use.step) not in near
    )
    return sum(problem.compute) + -(-far // _HOST_RATE)


def run(limits: Run) -> list[Row]:
    """Count activations by length, and place the pages."""
    rows = [
        Row(
            case=f"{tokens} tokens, chunks of {_CHUNK}",
            measure="GiB of activations",
            baseline="whole sequence",
            baseline_value=activation_bytes(tokens) / 2**30,
            method="chunk by chunk",
            value=activation_bytes(_CHUNK) / 2**30,
            gap=None,
            published="4M tokens on one H200; 10 MB more for each 10K tokens",
            verdict="the same for every length",
        )
        for tokens in _LENGTHS
    ]
    return [*rows, _pages(limits.seconds)]


def _pages(seconds: float) -> Row:
    problem = chunked(_CHUNKS, _ROOM)
    hot: TieredSolution = solve(problem, "density", work_limit=1)
    best: TieredSolution = solve(problem, time_limit=seconds)
    return Row(
        case=f"{_CHUNKS} chunks, pages of {_ROOM} of them on the GPU",
        measure="milliseconds of forward and backward pass",
        baseline="pages fetched before each step",
        baseline_value=float(one_after_the_other(problem, hot)),
        method="pages read and copied beside the steps",
        value=float(best.objective or 0),
        gap=best.gap,
        published=None,
        verdict="proven" if best.gap == 0 else "not proven",
    )


SCENARIO = Scenario(
    name="oomb",
    system="OOMB: out-of-memory barrier broken for long-context training (known by its abstract)",
    problem="activations and states to tiers of memory",
    wants="nothing: sizes of Qwen2.5-7B",
    run=run,
    targets=(Target(("pages fetched",), at_most=1),),
)
