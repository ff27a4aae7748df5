"""dLLM-Serve: denoising steps that know which of their requests are heavy.

dLLM-Serve (arXiv 2512.17077) packs each step of a diffusion model by the tokens that it computes:
whole sequences at the start of a block, a block else. Without phases every step is packed as if it
computed whole sequences. Requests that begin together are heavy together; to begin some of them a
few steps later spreads that out. The least peak is bounded from below by the mean of a block's
steps and by the longest sequence, and reached within the gap by giving the longest sequence the
emptiest pair of steps. Lengths are drawn; LLaDA-8B is taken as dense, of 8 billion parameters.
The bound of the rate holds for any packing: whatever a step computes with others, each of its
tokens takes at least what the cost model adds for one. What the paper gains by memory, with half of
the keys and values kept and logits made in parts, is not modelled.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.base import relative_gap
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import KnowsMinorants
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.dllm import DllmServe
from scheduling.simulator.requests.streams import stream

_REQUESTS = 200
_TOGETHER = 20
_KV_TOKENS = 300_000
_SEQUENCES = 512
_PUBLISHED = "1.61 to 1.81 times the throughput"


def spread_peak(sequences: list[int], block: int = 32, heavy: int = 2) -> tuple[int, int]:
    """Return the largest step of requests that begin at offsets of their own, and its bound.

    Parameters
    ----------
    sequences
        Tokens of each sequence, prompt and answer.
    block
        Steps of a period, and tokens of its light steps.
    heavy
        Steps at its start that compute the whole sequence.
    """
    slots = [0] * (block // heavy)
    for tokens in sorted(sequences, reverse=True):
        slots[slots.index(min(slots))] += tokens - block
    base = block * len(sequences)
    mean = -(-heavy * sum(tokens - block for tokens in sequences) // block)
    return base + max(slots), base + max(mean, max(sequences) - block)


def computed_tokens(sequence: int, answer: int, block: int = 32, heavy: int = 2) -> int:
    """Return the tokens that all steps of a request compute, whatever they are packed with.

    Parameters
    ----------
    sequence
        Tokens that a heavy step computes.
    answer
        Tokens of the answer, whole blocks.
    block, heavy
        As of :func:`spread_peak`.
    """
    return answer // block * (heavy * sequence + (block - heavy) * block)


def least_seconds(requests: RequestTable, cost: KnowsMinorants) -> float:
    """Return what no packing of the steps undercuts: their work, as if steps had no other cost.

    Parameters
    ----------
    requests
        Prompts and answers.
    cost
        Times of steps, with the affine functions below them.
    """
    # As in the simulator, the last token has no keys and values that a step would compute.
    sequences = (requests.prompt_tokens + requests.output_tokens - 1).tolist()
    answers = requests.output_tokens.tolist()
    tokens = list(map(computed_tokens, sequences, answers))
    # Every token that is computed attends to the whole sequence.
    pairs = sum(one * sequence for one, sequence in zip(tokens, sequences, strict=True))
    known = cost.minorants(sum(sequences))
    return float(max(one.new * sum(tokens) + one.pair * pairs for one in known))


def drawn(count: int, seed: int) -> RequestTable:
    """Draw prompts and answers of whole blocks, one and a half a second."""
    draws = stream(seed, "dllm")
    prompts = np.clip(np.rint(draws.lognormal(np.log(500), 0.7, count)), 16, 4000)
    answers = 32 * draws.integers(2, 9, count)
    arrivals = np.cumsum(draws.exponential(1e9 / 1.5, count)).astype(np.int64)
    zeros = np.zeros(count, np.int64)
    return RequestTable(arrivals, prompts.astype(np.int64), answers, zeros, zeros)


def run(limits: Run) -> list[Row]:
    """Serve a queue under each way of packing, and spread out what begins together."""
    del limits
    return [*_throughput_rows(), _peak_row()]


def _throughput_rows() -> list[Row]:
    requests = drawn(_REQUESTS, seed=0)
    together = RequestTable(
        np.zeros(_REQUESTS, np.int64),
        requests.prompt_tokens,
        requests.output_tokens,
        requests.demand,
        requests.cached_tokens,
    )
    cost = replica_cost(llm("llama-3.1-8b"), gpu("l40s"), Layout(), Precision())
    names = {
        "every step counted whole": DllmServe(aware=False),
        "dLLM-Serve": DllmServe(),
        "dLLM-Serve, what does not fit passed over": DllmServe(skips=True),
    }
    found: dict[str, float] = {}
    gaps: dict[str, float | None] = {}
    least = least_seconds(requests, cost) if isinstance(cost, KnowsMinorants) else None
    for name, policy in names.items():
        group = Group("server", cost, _KV_TOKENS, max_sequences=_SEQUENCES, composition=policy)
        ran = simulate_fleet(Deployment((group,)), together)
        found[name] = float(requests.output_tokens.sum()) / ran.makespan_seconds
        gaps[name] = relative_gap(ran.makespan_seconds, least)
    base, *others = names
    limit = "no bound is known"
    if least is not None:
        most = float(requests.output_tokens.sum()) / least / found[base]
        limit = f"no packing reaches {most:.2f} times"
    return [
        Row(
            case=f"{_REQUESTS} requests at once, an L40S",
            measure="answer tokens a second",
            baseline=base,
            baseline_value=found[base],
            method=name,
            value=found[name],
            gap=gaps[name],
            published=_PUBLISHED,
            verdict=f"{found[name] / found[base]:.2f} times as many; {limit}",
        )
        for name in others
    ]


def _peak_row() -> Row:
    requests = drawn(_TOGETHER, seed=1)
    sequences = (requests.prompt_tokens + requests.output_tokens).tolist()
    peak, bound = spread_peak(sequences)
    return Row(
        case=f"{_TOGETHER} requests that begin together",
        measure="tokens of the largest step",
        baseline="first come",
        baseline_value=float(sum(sequences)),
        method="offsets of their own",
        value=float(peak),
        gap=1 - bound / peak,
        published=None,
        verdict=f"{1 - peak / sum(sequences):.0%} lower",
    )


SCENARIO = Scenario(
    name="dllm-serve",
    system="dLLM-Serve: serving diffusion models (arXiv 2512.17077)",
    problem="steps and memory of diffusion models",
    wants="nothing: a GPU of the catalogue, drawn requests",
    run=run,
    targets=(
        Target(
            ("answer tokens", "^dLLM-Serve$"),
            at_least=1.61,
            at_most=1.81,
            better="more",
            otherwise="near the bound of any packing; what memory gains is not modelled",
        ),
        Target(("offsets of their own",), at_most=0.9),
    ),
)
