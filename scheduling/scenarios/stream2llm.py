"""Stream2LLM: prompts that are computed while their context is still being retrieved.

Stream2LLM (arXiv 2604.16395) measures two retrievers: a crawler whose pages follow each other, and
a search over vectors whose results are replaced as better ones are found. Both are drawn here with
the published means (9,100 tokens in 9.9 s, 13,000 in 4.5 s); how many parts there are, and what is
replaced, are assumed. What counts is the time from the last part to the first token; the baseline
begins a prompt when it is whole. The orders are those of the paper. The bound is that of any policy
for which all but the last part, or what it leaves of the prompt before it, has been computed when
it comes: whatever else has to be computed only takes longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.base import relative_gap
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.growth import Growth
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.streaming import Rule, StreamBatch
from scheduling.simulator.requests.streams import stream

_REQUESTS = 150
_KV_TOKENS = 2_000_000
_PARTS = 8
_ANSWER = 64
_RATES = (1.0, 3.0)
_RULES: tuple[Rule, ...] = ("default", "fcfs", "most-computed", "latest-chunk")
_PUBLISHED = "3.9 to 4.3 times shorter at low load, 10.8 to 11 times at 4 a second"


@dataclass(frozen=True, eq=False, slots=True)
class Retrievals:
    """Requests and the parts of their prompts.

    Attributes
    ----------
    last_ns
        When the last part of each comes.
    ahead
        Tokens of each that may be computed before that, as the last part keeps them.
    """

    table: RequestTable
    growth: Growth
    last_ns: NDArray[np.int64]
    ahead: NDArray[np.int64]

    def whole(self, *, computed: bool = False) -> RequestTable:
        """Return the requests as they come when they wait for their last parts.

        Parameters
        ----------
        computed
            What may be computed before that has been.
        """
        order = np.argsort(self.last_ns, kind="stable")
        zeros = np.zeros(len(order), np.int64)
        return RequestTable(
            self.last_ns[order],
            self.table.prompt_tokens[order],
            self.table.output_tokens[order],
            zeros,
            self.ahead[order] if computed else zeros,
        )


def retrievals(rate: float, seed: int, *, replaces: bool = False) -> Retrievals:
    """Draw requests whose prompts come in eight parts.

    Parameters
    ----------
    rate
        Requests a second.
    seed
        Of the draws.
    replaces
        Search over vectors, of whose results half a part's are replaced by the next; otherwise a
        crawler.
    """
    draws = stream(seed, "stream2llm")
    mean_tokens, mean_seconds = (13_000, 4.5) if replaces else (9100, 9.9)
    arrivals = np.cumsum(draws.exponential(1e9 / rate, _REQUESTS)).astype(np.int64)
    prompts = np.maximum(64, draws.gamma(4.0, mean_tokens / 4, _REQUESTS)).astype(np.int64)
    spans = draws.gamma(4.0, mean_seconds / 4, _REQUESTS) * 1e9
    cuts = np.sort(draws.random((_REQUESTS, _PARTS - 1)), axis=1)
    places = np.arange(1, _PARTS + 1)
    known = np.ceil(prompts[:, None] * places / _PARTS).astype(np.int64)
    times = np.hstack([cuts[:, 1:], np.ones((_REQUESTS, 1))])
    came = arrivals[:, None] + np.ceil(times * spans[:, None]).astype(np.int64)
    # Equal moments follow each other.
    came += np.arange(1, _PARTS)
    kept = known[:, :-1] - (known[:, :1] // 2 if replaces else 0)
    order = np.argsort(came, axis=None, kind="stable")
    rows = np.repeat(np.arange(_REQUESTS), _PARTS - 1)
    growth = Growth(
        known[:, 0],
        rows[order],
        came.ravel()[order],
        known[:, 1:].ravel()[order],
        kept.ravel()[order],
    )
    zeros = np.zeros(_REQUESTS, np.int64)
    return Retrievals(
        RequestTable(arrivals, prompts, zeros + _ANSWER, zeros, zeros),
        growth,
        came[:, -1],
        kept[:, -1],
    )


def _server(rule: Rule) -> Group:
    cost = replica_cost(llm("llama-3.1-8b"), gpu("h100-sxm"), Layout(), Precision())
    return Group("server", cost, _KV_TOKENS, composition=StreamBatch(rule))


def waits(drawn: Retrievals, rule: Rule | None) -> NDArray[np.float64]:
    """Return the seconds from each prompt's last part to its first token.

    Parameters
    ----------
    drawn
        The requests.
    rule
        Order of the prompts; ``None``: a prompt begins when it is whole, first come, first served.
    """
    fleet = Deployment((_server(rule or "fcfs"),))
    if rule is not None:
        run = simulate_fleet(fleet, drawn.table, growth=drawn.growth)
        return (run.first_token_ns - drawn.last_ns) / 1e9
    return simulate_fleet(fleet, drawn.whole()).ttft_seconds


def least_wait(drawn: Retrievals) -> float | None:
    """Return what no policy's mean from the last part to the first token goes below."""
    group = _server("fcfs")
    run = simulate_fleet(Deployment((group,)), drawn.whole(computed=True))
    certified = Certifier((group,), {}).certify(run)
    return next(one.bound for one in certified if one.objective == "ttft")


def run(limits: Run) -> list[Row]:
    """Serve both retrievers at two rates under all orders."""
    del limits
    rows = []
    for replaces, name in ((False, "crawler"), (True, "search over vectors")):
        for rate in _RATES:
            drawn = retrievals(rate, seed=0, replaces=replaces)
            base, least = float(waits(drawn, None).mean()), least_wait(drawn)
            case = f"{name}, {rate:g} a second"
            rows += [_row(case, base, least, rule, drawn) for rule in _RULES]
    return rows


def _row(case: str, base: float, least: float | None, rule: Rule, drawn: Retrievals) -> Row:
    found = float(waits(drawn, rule).mean())
    return Row(
        case=f"{case}, {_REQUESTS} requests",
        measure="mean seconds from the last part to the first token",
        baseline="prompts begin whole",
        baseline_value=base,
        method=f"streamed, {rule}",
        value=found,
        gap=relative_gap(found, least),
        published=_PUBLISHED if rule == "latest-chunk" else None,
        verdict=f"{base / found:.1f} times shorter",
    )


SCENARIO = Scenario(
    name="stream2llm",
    system="Stream2LLM: prompts computed while they are retrieved (arXiv 2604.16395)",
    problem="prompts computed while they arrive in parts",
    wants="nothing: a model and a GPU of the catalogue, drawn retrievals",
    run=run,
    targets=(
        Target(
            ("crawler, 1 a second", "^streamed, latest-chunk"),
            at_least=1 / 4.3,
            at_most=1 / 3.9,
            better="less",
        ),
        Target(
            ("crawler, 3 a second", "^streamed, latest-chunk"),
            at_least=1 / 11,
            at_most=1 / 3.9,
            better="less",
        ),
        Target(
            ("search over vectors", "^streamed, latest-chunk"),
            at_least=1 / 11,
            at_most=1 / 3.9,
            better="less",
            otherwise="drawn retrievals: their prompts wait for the GPU, whole or streamed",
        ),
    ),
)
