"""Splitwise: machines for prompts and machines for tokens, how many of each.

"Splitwise: Efficient Generative LLM Inference Using Phase Splitting" (Patel et al., ISCA 2024)
measures both phases of Llama-2-70B on DGX-A100 and DGX-H100 and sizes two pools so that the
slow-downs of TTFT, TBT and end-to-end time against a lone request on a DGX-A100 keep nine limits.
Here the published phase times run through the simulator: the smallest split cluster for 70 coding
requests a second, with a bound by the work that the requests bring, and the rates of the paper's
designs of equal power. The mixed pool that takes overflow in the paper is left out. The paper's own
figure of machines does not fit these times: served one by one, the prompts of 70 requests keep less
than half of its prompt machines busy, so it may be for its larger model, BLOOM-176B.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.instances.cost.phases import PhaseProfile, read_splitwise
from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.phases import PhaseTable
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch
from scheduling.models.requests.table import RequestTable
from scheduling.models.serving.plan import Role
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.serving_loads import poisson_requests
from scheduling.simulator.requests.capacity import at_rate, highest_rate
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import PrefillFirst, Sarathi
from scheduling.simulator.requests.run import FleetRun

PROFILE = "gpu-profiles/splitwise/perf_model_llama2-70b_a100_h100.csv"
TRACES = {
    "coding": "llm_azure_2023/azure2023_code.csv",
    "conversation": "llm_azure_2023/azure2023_conv.csv",
}
LIMITS = {
    "ttft": ((50, 2.0), (90, 3.0), (99, 6.0)),
    "tbt": ((50, 1.25), (90, 1.5), (99, 5.0)),
    "e2e": ((50, 1.25), (90, 1.5), (99, 5.0)),
}
"""Percentiles and the most that they may be slower than a lone request on a DGX-A100."""

_MODEL = "llama2-70b"
_A100, _H100 = "a100-80gb", "h100-80gb"
_DEGREE = 8
_SIXTEEN = Precision(weights="fp16", compute="fp16", kv="fp16")
_PROMPT_TOKENS = 2048
_SEQUENCES = 512
_TRANSFER_BYTES = 200e9
_RATE = 70.0
_PUBLISHED_PROMPTS = 27
_REQUESTS = (600, 1500, 4500, 12_000)
"""Requests of each simulation, as many as the time allows; about 100 are run."""
DESIGNS = (
    ("coding", "40 DGX-H100, nothing split", (_H100, 40), None, None),
    ("coding", "70 DGX-A100, nothing split", (_A100, 70), None, None),
    ("coding", "AA, 55P + 15T", (_A100, 55), (_A100, 15), "2.15x for AA at equal power"),
    ("coding", "HH, 35P + 5T", (_H100, 35), (_H100, 5), "its design for coding"),
    ("conversation", "40 DGX-H100, nothing split", (_H100, 40), None, None),
    ("conversation", "HH, 25P + 15T", (_H100, 25), (_H100, 15), "its design for conversation"),
)
"""Trace, name, machines for prompts, machines for tokens, and the paper's figure; the first of each
trace is what the others are compared with. All draw 232 kW."""


@dataclass(frozen=True, slots=True)
class Machines:
    """Phase times and memory of the paper's machines."""

    profile: PhaseProfile

    def cost(self, hardware: str) -> PhaseTable:
        """Return the phase times of a machine with eight of these GPUs."""
        return self.profile.cost(_MODEL, hardware, _DEGREE)

    def group(self, name: str, hardware: str, count: int, role: Role) -> Group:
        """Return equal machines in a role: whole prompts first, or tokens alone, or both mixed."""
        tokens = kv_capacity(llm(_MODEL), gpu(hardware), Layout(tp=_DEGREE), _SIXTEEN)
        prompts = PrefillFirst(_PROMPT_TOKENS, padded=False)
        return Group(
            name=name,
            cost=self.cost(hardware),
            kv_tokens=tokens or 1,
            role=role,
            replicas=count,
            max_sequences=_SEQUENCES,
            composition=prompts if role == "prefill" else Sarathi(_PROMPT_TOKENS),
        )

    def cluster(self, prompts: tuple[str, int], tokens: tuple[str, int] | None) -> Deployment:
        """Return a cluster: machines for prompts and for tokens, or one kind for both."""
        hardware, count = prompts
        if tokens is None:
            return Deployment((self.group("mixed", hardware, count, "both"),))
        link = Link(llm(_MODEL).kv_bytes_per_token("fp16"), _TRANSFER_BYTES)
        groups = (
            self.group("prompt", hardware, count, "prefill"),
            self.group("token", *tokens, "decode"),
        )
        return Deployment(groups, (Flow("all", "prompt", "token", link=link),))

    def slowdowns(self, run: FleetRun) -> dict[str, NDArray[np.float64]]:
        """Return each request's times over those that it has alone on a DGX-A100.

        The first and the last fifth find the cluster emptier than it is meanwhile and do not count.
        """
        alone = self.cost(_A100)
        table = run.table
        prompt = np.interp(table.prompt_tokens, *_curve(alone, table.prompt_tokens))
        context = table.prompt_tokens + table.output_tokens / 2
        token = alone.decode.at(1) + alone.context_seconds * context
        gaps = table.output_tokens - 1
        served = run.served
        row = np.flatnonzero(served)
        steady = (row >= len(served) // 5) & (row < len(served) - len(served) // 5)
        many = steady & (gaps[served] > 0)
        return {
            "ttft": (run.ttft_seconds / prompt[served])[steady],
            "tbt": (run.tpot_seconds / token[served])[many],
            "e2e": (run.e2e_seconds / (prompt + gaps * token)[served])[steady],
        }

    def keeps(self, run: FleetRun) -> bool:
        """Tell whether all nine limits hold and nobody was rejected."""
        slow = self.slowdowns(run)
        return not run.rejected and all(
            np.percentile(slow[name], percentile) <= most
            for name, pairs in LIMITS.items()
            for percentile, most in pairs
        )


def _curve(
    table: PhaseTable, tokens: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the prompt curve at its knots and at the ends of what is asked."""
    places = np.union1d(np.array(table.prompt.knots), [float(tokens.min()), float(tokens.max())])
    return places, np.array([table.prompt.at(place) for place in places])


def least_machines(cost: PhaseTable, requests: RequestTable, rate: float) -> int:
    """Bound the machines of one kind from below by the work that requests bring.

    In the long run every prompt token takes at least the least seconds a token of any batch of
    prompts, every decoded token at least those of any batch of sequences, and its context besides.

    Parameters
    ----------
    cost
        Phase times of a machine.
    requests
        A sample of the requests.
    rate
        Requests a second.
    """
    prompts = requests.prompt_tokens
    longest = max(_PROMPT_TOKENS, int(prompts.max()))
    knots = {knot for knot in cost.prompt.knots if knot <= longest} | {float(longest)}
    each_prompt = min(cost.prompt.at(knot) / knot for knot in knots)
    sizes = {int(knot) for knot in cost.decode.knots if knot <= _SEQUENCES} | {_SEQUENCES}
    each_token = min(cost.decode.at(size) / size for size in sizes)
    gaps = requests.output_tokens - 1
    context = gaps * (prompts + requests.output_tokens / 2)
    work = each_prompt * prompts + each_token * gaps + cost.context_seconds * context
    return ceil(rate * float(work.mean()) - 1e-9)


def smallest_split(
    machines: Machines, hardware: str, requests: RequestTable, rate: float, most: int
) -> tuple[int, int] | None:
    """Find the fewest machines for prompts and for tokens that keep all limits.

    What keeps them with some machines is taken to keep them with more, so the search walks along
    the edge between the two: fewer for prompts as long as that holds, then one more for tokens.

    Parameters
    ----------
    machines, hardware
        The machines and which of them.
    requests
        In order of arrival; they are stretched to the rate.
    rate
        Requests a second.
    most
        Most machines of either pool.
    """
    coming = at_rate(requests, rate)

    def keeps(prompts: int, tokens: int) -> bool:
        cluster = machines.cluster((hardware, prompts), (hardware, tokens))
        return machines.keeps(simulate_fleet(cluster, coming))

    best: tuple[int, int] | None = None
    prompts = most
    for tokens in range(1, most + 1):
        if best is not None and tokens + 1 >= sum(best):
            break
        while prompts and keeps(prompts, tokens):
            if best is None or prompts + tokens < sum(best):
                best = (prompts, tokens)
            prompts -= 1
        if not prompts:
            break
    return best


def smallest_mixed(
    machines: Machines, hardware: str, requests: RequestTable, rate: float, most: int
) -> int | None:
    """Find the fewest machines for both phases at once that keep all limits, by bisection."""
    coming = at_rate(requests, rate)

    def keeps(count: int) -> bool:
        return machines.keeps(simulate_fleet(machines.cluster((hardware, count), None), coming))

    if not keeps(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if keeps(middle):
            high = middle
        else:
            low = middle
    return high


def run(limits: Run) -> list[Row]:
    """Size a split cluster, then find the rates of the paper's designs."""
    machines = Machines(read_splitwise(limits.file("splitwise", PROFILE)))
    lengths = {
        name: read_requests(limits.file("splitwise", file)).table for name, file in TRACES.items()
    }
    return limits.largest(_REQUESTS, lambda count: _rows(machines, lengths, count))


def _rows(machines: Machines, lengths: dict[str, RequestTable], count: int) -> list[Row]:
    traces = {
        name: poisson_requests(table, count, seed=len(name)) for name, table in lengths.items()
    }
    rows = [_size_row(machines, traces["coding"])]
    base: dict[str, float] = {}
    for trace, design, prompts, tokens, published in DESIGNS:
        rate = _rate(machines, machines.cluster(prompts, tokens), traces[trace])
        if trace not in base:
            base[trace] = rate
        else:
            rows.append(_design_row(trace, design, rate, base[trace], published))
    return rows


def _rate(machines: Machines, cluster: Deployment, requests: RequestTable) -> float:
    """Return the highest rate at which all limits hold; 0 when there is none."""

    def share(rate: float) -> float:
        return float(machines.keeps(simulate_fleet(cluster, at_rate(requests, rate))))

    return highest_rate(share, start=64.0, tolerance=0.05).rate or 0.0


def prompt_machines(cost: PhaseTable, requests: RequestTable, rate: float) -> float:
    """Return how many machines the prompts keep busy when they are served one by one."""
    alone = [cost.seconds(Batch.prefill(int(tokens))) for tokens in requests.prompt_tokens]
    return rate * float(np.mean(alone))


def _size_row(machines: Machines, requests: RequestTable) -> Row:
    bound = least_machines(machines.cost(_H100), requests, _RATE)
    split = smallest_split(machines, _H100, requests, _RATE, 4 * bound)
    mixed = smallest_mixed(machines, _H100, requests, _RATE, 8 * bound)
    if split is None:
        found = f"no cluster of up to {4 * bound} + {4 * bound} machines keeps the limits"
        raise InputError.single("splitwise", found, "measured phases that allow one")
    total = sum(split)
    busy = prompt_machines(machines.cost(_H100), requests, _RATE)
    return Row(
        case=f"{_RATE:g} coding requests/s, {len(requests)} of them, Llama-2-70B on DGX-H100, "
        "nine limits",
        measure="machines",
        baseline="fewest that do both phases",
        baseline_value=None if mixed is None else float(mixed),
        method=f"fewest split, {split[0]}P + {split[1]}T",
        value=float(total),
        gap=(total - bound) / total,
        published="27P + 3T, perhaps of another model",
        verdict=(
            f"the work alone needs {bound}; prompts one by one keep {busy:.1f} machines busy, "
            f"{busy / _PUBLISHED_PROMPTS:.0%} of the published {_PUBLISHED_PROMPTS}"
        ),
    )


def _design_row(trace: str, design: str, rate: float, base: float, published: str | None) -> Row:
    return Row(
        case=f"{trace}, Llama-2-70B, 232 kW",
        measure="requests/s that keep nine limits",
        baseline="40 DGX-H100, nothing split",
        baseline_value=base or None,
        method=design,
        value=rate,
        gap=None,
        published=published,
        verdict=f"{rate / base:.2f} times" if base else "the baseline keeps them at no rate",
    )


SCENARIO = Scenario(
    name="splitwise",
    system="Splitwise, pools for prompts and for tokens (Patel et al., ISCA 2024)",
    problem="pools of prompt and token machines under limits",
    wants=f"{PROFILE}, {', '.join(TRACES.values())}",
    run=run,
    targets=(
        Target(
            ("^fewest split",),
            of="value",
            at_least=27,
            at_most=33,
            otherwise="the published cluster is perhaps of another model",
        ),
        Target(
            ("^HH, ",),
            at_least=1,
            otherwise="by the measured phases, splitting does not pay for conversations",
        ),
    ),
)
