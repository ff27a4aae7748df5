"""A study of KV strategies: paged blocks, speculative fetch, heavy hitters, on one grid.

Known by its abstract: vLLM, InfiniGen and H2O over request rates, model sizes and sparsity. Here
the three run in one simulator: paged blocks keep everything on the GPU and evict whole requests;
speculative fetch keeps all KV in host memory and moves the share of tokens that a step is thought
to need over the bus, beside the computation; heavy hitters keep that share on the GPU and lose the
rest, and with it some of the attention. Reported are means over rates, and where the lines cross.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet

RATES = (0.5, 1.0, 2.0, 3.0, 4.0)
SHARES = (0.02, 0.05, 0.1)

_REQUESTS = 150
_KV_TOKENS = 20_000
_BASE, _TOKEN, _READ = 0.012, 4e-5, 3e-8
_BYTES = 131_072.0
_BUS = 25e9


@dataclass(frozen=True, slots=True)
class Strategy:
    """Times and memory of a strategy.

    Parameters
    ----------
    name
        What it is.
    read_seconds
        Seconds a token of context takes in a decode step.
    kv_tokens
        Tokens of context that the batch may have.
    """

    name: str
    read_seconds: float
    kv_tokens: int


def strategies(share: float) -> tuple[Strategy, Strategy, Strategy]:
    """Return the three with this share of tokens read or kept."""
    fetched = share * _BYTES / _BUS
    return (
        Strategy("paged", _READ, _KV_TOKENS),
        Strategy("speculative fetch", max(share * _READ, fetched), 20 * _KV_TOKENS),
        Strategy("heavy hitters", share * _READ, int(_KV_TOKENS / share)),
    )


def requests(rate: float, seed: int = 0) -> RequestTable:
    """Draw requests with long prompts and answers."""
    rng = np.random.default_rng(seed)
    zeros = np.zeros(_REQUESTS, dtype=np.int64)
    return RequestTable(
        np.rint(np.cumsum(rng.exponential(1e9 / rate, _REQUESTS))).astype(np.int64),
        np.clip(rng.lognormal(7.5, 0.6, _REQUESTS), 64, 16_000).astype(np.int64),
        np.clip(rng.lognormal(5.5, 0.6, _REQUESTS), 8, 2000).astype(np.int64),
        zeros,
        zeros,
    )


def mean_seconds(strategy: Strategy, rate: float) -> tuple[float, float | None]:
    """Return the mean time of a request, and what no order of the same steps goes below."""
    cost = Affine(base=_BASE, per_token=_TOKEN, per_kv=strategy.read_seconds)
    group = Group("all", cost, kv_tokens=strategy.kv_tokens)
    run = simulate_fleet(Deployment((group,)), requests(rate))
    certified = Certifier((group,), {}).certify(run)
    bound = next(one.bound for one in certified if one.objective == "e2e")
    return float(run.e2e_seconds.mean()), bound


def crossing(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the least rate from which the second is better; ``None`` when it never is."""
    for rate, one, other in zip(RATES, first, second, strict=True):
        if other < one:
            return rate
    return None


def lost_attention(share: float, tokens: int = 2000, exponent: float = 1.1) -> float:
    """Return the attention that is lost with this share of tokens, of attention by Zipf's law."""
    weight = np.arange(1, tokens + 1, dtype=np.float64) ** -exponent
    return float(1 - weight[: int(share * tokens)].sum() / weight.sum())


def run(limits: Run) -> list[Row]:
    """Run the grid."""
    del limits
    rows = []
    for share in SHARES:
        found = {one.name: [mean_seconds(one, rate) for rate in RATES] for one in strategies(share)}
        grid = {name: [seconds for seconds, _ in pairs] for name, pairs in found.items()}
        paged = grid.pop("paged")
        for name, own in grid.items():
            bounds = [bound for _, bound in found[name] if bound is not None]
            rate = crossing(paged, own)
            where = "never better" if rate is None else f"better from {rate:g} requests/s"
            lost = f", {lost_attention(share):.0%} of attention lost" * (name == "heavy hitters")
            rows.append(
                Row(
                    case=f"{len(RATES)} rates to {RATES[-1]:g}/s, {share:.0%} of tokens",
                    measure="mean seconds of a request",
                    baseline="paged",
                    baseline_value=sum(paged) / len(RATES),
                    method=name,
                    value=sum(own) / len(RATES),
                    gap=1 - sum(bounds) / sum(own) if len(bounds) == len(own) else None,
                    published=None,
                    verdict=where + lost,
                )
            )
    return rows


SCENARIO = Scenario(
    name="kv-study",
    system="A comparative study of KV strategies: vLLM, InfiniGen, H2O (abstract)",
    problem="strategies of KV memory over load and length",
    wants="nothing: requests are drawn, times are stated",
    run=run,
    targets=(Target(("heavy hitters",), at_most=1),),
)
