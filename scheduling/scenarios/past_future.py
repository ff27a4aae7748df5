"""Past-Future: admission by the peak of memory that past answers foretell.

Past-Future (LightLLM, arXiv 2507.10150) admits a request when the memory of the running ones at
its fullest, with lengths of answers drawn from those that have ended, leaves room. Here all
requests are queued at once, as in a full hour: with answers of chats, and with long answers,
where memory is short and its growth is what counts. It stands beside vLLM's watermarks, which
look at the memory of now, memory reserved for the longest answer, and known lengths. Lengths are
drawn from lognormals: prompts as in conversations of the Azure trace, long answers have a median
of 400 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.peak import peak_tokens
from scheduling.simulator.requests.policies.admission import Reserve, Watermark
from scheduling.simulator.requests.policies.composition import PrefillFirst
from scheduling.simulator.requests.policies.future import KnownFuture, PastFuture
from scheduling.simulator.requests.policy import Admission

COST = Affine(base=0.005, per_token=4e-5, per_kv=3e-8)
LONGEST = 4096
"""Tokens of the longest answer that the runtime allows."""

_REQUESTS = 500
_PROMPTS = 8192
_BATCHES = 10_000
_MOST = 12
_PUBLISHED = "3 to 7 % of requests evicted, 93 % by an aggressive scheduler (arXiv 2507.10150)"


@dataclass(frozen=True, slots=True)
class Load:
    """Requests that are all there at the start, and the memory that serves them."""

    name: str
    kv_tokens: int
    median: float
    sigma: float

    def table(self) -> RequestTable:
        """Draw the requests."""
        rng = np.random.default_rng(0)
        prompts = np.clip(rng.lognormal(np.log(900), 0.8, _REQUESTS), 4, 8000)
        answers = np.clip(rng.lognormal(np.log(self.median), self.sigma, _REQUESTS), 1, LONGEST)
        zeros = np.zeros(_REQUESTS, dtype=np.int64)
        rows = (prompts.astype(np.int64), answers.astype(np.int64))
        return RequestTable(zeros, *rows, zeros, zeros)


CHATS = Load("answers of chats", 20_000, 130.0, 0.8)
LONG = Load("long answers", 30_000, float(np.exp(6.0)), 0.9)


@dataclass(frozen=True, slots=True)
class Served:
    """What an admission policy did: evictions a request, share of memory in use, seconds, gap."""

    evictions: float
    used: float
    makespan: float
    gap: float | None


def run(limits: Run) -> list[Row]:
    """Compare the peak's formula with counting, then serve both loads with every policy."""
    del limits
    return [_formula_row(), *_load_rows(CHATS), *_load_rows(LONG)]


def policies(table: RequestTable) -> dict[str, Admission]:
    """Return the admission policies by name; the first is the baseline."""
    longest = int(table.prompt_tokens.max()) + LONGEST
    return {
        "watermark of 1 %": Watermark(0.01),
        "watermark of 5 %": Watermark(0.05),
        "memory for the longest": Reserve(longest),
        "past-future, 0 % free": PastFuture(reserve=0.0, longest_answer=LONGEST),
        "past-future, 5 % free": PastFuture(reserve=0.05, longest_answer=LONGEST),
        "past-future, 10 % free": PastFuture(reserve=0.10, longest_answer=LONGEST),
        "known lengths": KnownFuture(table.output_tokens, "separate"),
    }


def serve(load: Load, table: RequestTable, admission: Admission) -> Served:
    """Serve all requests on one replica, prompts first."""
    group = Group(
        "replica",
        COST,
        kv_tokens=load.kv_tokens,
        block_size=1,
        composition=PrefillFirst(_PROMPTS, padded=False),
        admission=admission,
    )
    found = simulate_fleet(Deployment((group,)), table)
    certified = {one.objective: one for one in Certifier((group,), {}).certify(found)}
    tally = found.instances[0].tally
    held = tally.block_ns
    if isinstance(admission, Reserve):
        # What is reserved is not used: a request holds its prompt, and what is made of its answer.
        answering = found.ended_ns - found.first_token_ns
        held = float((table.prompt_tokens * (found.ended_ns - found.started_ns)).sum())
        held += float((table.output_tokens / 2 * answering).sum())
    return Served(
        int(found.restarts.sum()) / len(table),
        held / tally.busy_ns / load.kv_tokens,
        found.makespan_seconds,
        certified["makespan"].gap,
    )


def counted_peak(tokens: list[int], left: list[int]) -> int:
    """Return the most tokens that requests hold at a time, iteration by iteration."""
    peak = 0
    for step in range(max(left) + 1):
        running = [held for held, last in zip(tokens, left, strict=True) if last >= step]
        peak = max(peak, sum(running) + step * len(running))
    return peak


def mismatches(batches: int = _BATCHES, seed: int = 0) -> int:
    """Return in how many random batches the peak's formula is not what counting gives."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(batches):
        count = int(rng.integers(1, _MOST + 1))
        tokens = rng.integers(1, 200, count).tolist()
        left = rng.integers(0, 40, count).tolist()
        wrong += peak_tokens(tokens, left) != counted_peak(tokens, left)
    return wrong


def _formula_row() -> Row:
    wrong = mismatches()
    return Row(
        case=f"{_BATCHES} random batches of up to {_MOST} requests",
        measure="batches whose peak of memory differs",
        baseline="counted iteration by iteration",
        baseline_value=None,
        method="the formula",
        value=float(wrong),
        gap=None,
        published=None,
        verdict="equal in all" if not wrong else f"{wrong} differ",
    )


def _load_rows(load: Load) -> list[Row]:
    table = load.table()
    found = {name: serve(load, table, one) for name, one in policies(table).items()}
    first = next(iter(found))
    case = f"{_REQUESTS} requests at once, {load.name}, {load.kv_tokens} tokens of KV"
    rows = []
    for name, one in found.items():
        verdict = f"memory {one.used:.0%} in use, {one.evictions:.3f} evictions a request"
        rows.append(
            Row(
                case=case,
                measure="seconds until the last ends",
                baseline=first,
                baseline_value=found[first].makespan,
                method=name,
                value=one.makespan,
                gap=one.gap,
                published=_PUBLISHED if name == "past-future, 5 % free" else None,
                verdict=verdict,
            )
        )
    return rows


SCENARIO = Scenario(
    name="past-future",
    system="Past-Future admission of LightLLM (ASPLOS 2025, arXiv 2507.10150)",
    problem="admission by predicted peak of memory",
    wants="nothing: drawn requests",
    run=run,
    targets=(
        Target(("whose peak",), of="value", at_most=0),
        Target(("long answers", "past-future, 5 % free"), of="gap", at_most=0.3),
    ),
)
