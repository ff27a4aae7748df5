"""APEX (arXiv 2506.03296): requests whose attention a CPU computes while the GPU works on others.

The KV cache that does not fit on a small GPU stays in host memory, and the CPU computes the
attention of those requests beside the GPU's linear layers. APEX predicts the times, chooses between
GPU only and overlap, and which requests go to the CPU. Which requests fit in the time that is
hidden is an allocation; it is certified, and compared with taking requests as they come.

Inferred: times from bandwidths of a T4 and an A10 with 8-core hosts, for Llama-2-7B with weights of
one byte, lognormal contexts, and one request a slot; transfers of activations are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.allocation.problem import AllocationProblem, Claim
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_WEIGHT_BYTES = 6.7e9
_KV_BYTES = 2 * 32 * 4096 * 2
_REQUESTS = 256
_MICRO = 1e6


@dataclass(frozen=True)
class Machine:
    """A GPU and its host, by bandwidth in bytes a second and room for KV in bytes."""

    name: str
    gpu: float
    room: float
    host: float
    published: str


MACHINES = (
    Machine("T4", 300e9, 7e9, 30e9, "84 to 96 % more throughput than vLLM"),
    Machine("A10", 600e9, 15e9, 30e9, "11 to 89 % more throughput than vLLM"),
)


def contexts(seed: int) -> list[int]:
    """Draw the tokens in the KV cache of each waiting request."""
    drawn = np.random.default_rng(seed).lognormal(6.5, 0.6, _REQUESTS)
    return [int(tokens) for tokens in np.clip(drawn, 64, 4096)]


def on_gpu(machine: Machine, tokens: list[int]) -> int:
    """Return how many requests fit on the GPU, in the order in which they came."""
    taken = np.cumsum(np.array(tokens, float) * _KV_BYTES)
    return int(np.searchsorted(taken, machine.room, side="right"))


def window(machine: Machine, tokens: list[int]) -> tuple[float, float]:
    """Return the seconds of the GPU's linear layers and of its attention in an iteration."""
    count = on_gpu(machine, tokens)
    return _WEIGHT_BYTES / machine.gpu, sum(tokens[:count]) * _KV_BYTES / machine.gpu


def hidden_problem(machine: Machine, waiting: list[int], seconds: float) -> AllocationProblem:
    """State which requests the CPU attends to within the time that the GPU takes anyway."""
    claims = tuple(
        Claim(
            id=f"request {number}",
            gains=(0, 1),
            costs=(0, max(1, round(_MICRO * tokens * _KV_BYTES / machine.host))),
        )
        for number, tokens in enumerate(waiting)
    )
    return AllocationProblem(name=machine.name, budget=int(_MICRO * seconds), claims=claims)


def as_they_come(problem: AllocationProblem) -> int:
    """Return how many requests fit when each is taken that does."""
    left, count = problem.budget, 0
    for claim in problem.claims:
        cost = claim.levels()[1]
        if cost <= left:
            left -= cost
            count += 1
    return count


def run(limits: Run) -> list[Row]:
    """Choose the CPU's requests on both machines."""
    return [row for machine in MACHINES for row in _rows(machine, limits.seconds / len(MACHINES))]


def _rows(machine: Machine, seconds: float) -> list[Row]:
    tokens = contexts(seed=1)
    count = on_gpu(machine, tokens)
    linear, attention = window(machine, tokens)
    problem = hidden_problem(machine, tokens[count:], linear + attention)
    best: AllocationSolution = solve(problem, time_limit=seconds)
    rule: AllocationSolution = solve(problem, "marginal", time_limit=seconds)
    first, taken = as_they_come(problem), int(rule.objective or 0)
    case = f"{machine.name}, {count} requests on the GPU"
    return [
        Row(
            case=case,
            measure="requests on the CPU within the hidden time",
            baseline="as they come",
            baseline_value=float(first),
            method="shortest context first",
            value=float(taken),
            gap=1.0 - taken / int(best.bound or 1),
            published=None,
            verdict=f"{1e3 * (linear + attention):.0f} ms hidden",
        ),
        Row(
            case=case,
            measure="tokens a second of decoding",
            baseline="GPU only",
            baseline_value=count / (linear + attention),
            method="with the CPU's requests",
            value=(count + taken) / (linear + attention),
            gap=None,
            published=machine.published,
            verdict="upper limit: nothing but attention is counted on the CPU",
        ),
    ]


SCENARIO = Scenario(
    name="apex-hybrid",
    system="APEX: asynchronous parallel CPU-GPU execution for online inference (arXiv 2506.03296)",
    problem="decoding split between CPU and GPU",
    wants="nothing: seeded contexts",
    run=run,
    targets=(
        Target(
            ("^T4,", "^GPU only$"),
            at_least=1.84,
            at_most=1.96,
            better="more",
            otherwise="only what attention takes is counted on the CPU",
        ),
        Target(("^A10,", "^GPU only$"), at_least=1.11, at_most=1.89, better="more"),
        Target(("as they come",), of="gap", at_most=0),
    ),
)
