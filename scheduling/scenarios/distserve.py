"""DistServe: the layout and number of instances for prompts and for decoding, by simulated goodput.

"DistServe: Disaggregating Prefill and Decoding for Goodput-optimized Large Language Model Serving"
(Zhong et al., OSDI 2024) simulates the goodput of every layout of one instance of each role, takes
the best per GPU of each, and as many as the rate asks for (algorithm 1); where KV must stay inside
a node, it simulates pairs of instances that share one (algorithm 2). Here both run on its fitted
phases of OPT-13B on A100, and the numbers of instances are also solved for exactly. An instance
with pipeline stages runs one batch through all of them before the next.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from io import StringIO
from math import ceil

import numpy as np

from scheduling.errors import InputError
from scheduling.instances.cost.phases import read_distserve
from scheduling.instances.files import read_text
from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.phases import FittedPhases
from scheduling.models.cost.protocol import Affine, Batch
from scheduling.models.requests.table import RequestTable
from scheduling.models.serving.plan import Role
from scheduling.models.serving.problem import Demand, Pool, ServingProblem, Template
from scheduling.models.serving.queueing import Queue
from scheduling.models.serving.solution import ServingSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.serving_loads import poisson_requests
from scheduling.scenarios.solving import solve
from scheduling.simulator.requests.capacity import at_rate, fleet_capacity
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import Slo, measure
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst

_FOLDER = "gpu-profiles/distserve"
PHASES = f"{_FOLDER}/coefficients_a100-80gb_distserve_opt-13b.json"
COLOCATED = f"{_FOLDER}/coefficients_a100-80gb_vllm_opt-13b.json"
CAPACITY = f"{_FOLDER}/kv_capacity_tokens_a100-80gb_opt-13b.csv"
LENGTHS = "llm_lengths/sharegpt_8k_llama2.csv"

TTFT, TPOT = 0.25, 0.1
"""Seconds; the paper's limits for a chat bot on OPT-13B."""

_MODEL, _GPU = "opt-13b", "a100-80gb"
_STAGES = (1, 2)
_NODE = 8
_RATE = 150.0
_ATTAINMENT = 0.9
_PROMPT_TOKENS = 2048
_SEQUENCES = 256
_REQUESTS = (1200, 3000, 6000)
"""Requests of each simulation, as many as the time allows; about 250 are run."""

_LEAST_SECONDS = 5.0
"""Of the exact numbers of instances, which are proven sooner."""

_INSTANT = Affine(base=1e-9, per_token=0.0)
_NO_DISTANCE = Link(bytes_per_token=0.0, bytes_per_second=1.0)


@dataclass(frozen=True, slots=True)
class Instance:
    """A layout of one instance, and the requests a second that it serves within the limits."""

    tp: int
    pp: int
    cost: FittedPhases
    kv_tokens: int
    rate: float = 0.0

    @property
    def gpus(self) -> int:
        """Its GPUs."""
        return self.tp * self.pp

    @property
    def per_gpu(self) -> float:
        """Requests a second for each of them."""
        return self.rate / self.gpus

    def __str__(self) -> str:
        """Write its layout."""
        return str(Layout(tp=self.tp, pp=self.pp))

    def group(self, name: str, role: Role, replicas: int = 1) -> Group:
        """Return instances of it, which run whole prompts first where they have both phases."""
        prompts = PrefillFirst(_PROMPT_TOKENS, padded=False)
        return Group(
            name,
            self.cost,
            self.kv_tokens,
            role=role,
            replicas=replicas,
            max_sequences=_SEQUENCES,
            composition=Orca() if role == "decode" else prompts,
        )


def split(first: Group, second: Group) -> Deployment:
    """Return a fleet whose prompts run on one group and whose answers on another, side by side."""
    flow = Flow("all", first.name, second.name, link=_NO_DISTANCE)
    return Deployment((first, second), (flow,))


def prefill_goodput(instance: Instance, requests: RequestTable) -> float:
    """Return the rate at which enough prompts meet their limit on one instance."""
    short = replace(requests, output_tokens=np.ones_like(requests.output_tokens))
    fleet = Deployment((instance.group("prefill", "both"),))
    return _goodput(fleet, short, Slo(ttft_seconds=TTFT))


def decode_goodput(instance: Instance, requests: RequestTable) -> float:
    """Return the rate at which enough answers meet their limit when prompts take no time."""
    tokens = int((requests.prompt_tokens + requests.output_tokens).sum())
    ready = Group("ready", _INSTANT, tokens, "prefill", max_sequences=len(requests))
    fleet = split(ready, instance.group("decode", "decode"))
    return _goodput(fleet, requests, Slo(tpot_seconds=TPOT))


def pair_goodput(first: Instance, second: Instance, requests: RequestTable) -> float:
    """Return the rate at which enough requests meet both limits on a pair of instances."""
    fleet = split(first.group("prefill", "prefill"), second.group("decode", "decode"))
    return _goodput(fleet, requests, Slo(TTFT, TPOT))


def colocated_goodput(instance: Instance, requests: RequestTable) -> float:
    """Return the rate at which enough requests meet both limits on one instance for both."""
    return _goodput(Deployment((instance.group("both", "both"),)), requests, Slo(TTFT, TPOT))


def _goodput(fleet: Deployment, requests: RequestTable, slo: Slo) -> float:
    found = fleet_capacity(
        fleet, requests, {"all": slo}, attainment=_ATTAINMENT, start=16.0, tolerance=0.05
    )
    if found.broken is None:
        raise InputError.single("distserve", "limits that never break", "more requests")
    return found.rate or 0.0


def best(instances: Iterable[Instance]) -> Instance:
    """Return the instance of highest goodput for each GPU.

    Raises
    ------
    InputError
        When none serves any request within the limits.
    """
    found = max(instances, key=lambda instance: instance.per_gpu)
    if not found.rate:
        raise InputError.single("distserve", "no layout that keeps the limits", "at least one")
    return found


def formula_gap(instance: Instance, requests: int) -> float:
    """Compare simulated times to the first token with M/D/1, at three loads.

    TTFT = D + R D^2 / (2 (1 - R D)) for prompts of one length that take D and come at rate R; with
    tensor parallelism D is that of the layout.

    Returns
    -------
    float
        Largest relative difference of the means.
    """
    prompt = 512
    alone = instance.cost.seconds(Batch.prefill(prompt))
    single = replace(instance.group("one", "both"), max_sequences=1)
    gaps = []
    for load in (0.3, 0.5, 0.7):
        drawn = poisson_requests(_same_length(prompt), requests, seed=11)
        run = simulate_fleet(Deployment((single,)), at_rate(drawn, load / alone))
        wait = Queue(1, load / alone, alone, service_scv=0.0).mean_wait or 0.0
        gaps.append(abs(float(run.ttft_seconds.mean()) / (alone + wait) - 1))
    return max(gaps)


def _same_length(prompt: int) -> RequestTable:
    nothing = np.zeros(1, dtype=np.int64)
    return RequestTable(nothing, nothing + prompt, nothing + 1, nothing, nothing)


def exact_fleet(
    roles: Mapping[Role, Iterable[Instance]], rate: float, seconds: float, *, near: bool
) -> ServingSolution:
    """Solve for the fewest GPUs that serve a rate.

    Parameters
    ----------
    roles
        Instances by role.
    rate
        Requests a second.
    seconds
        For the solver.
    near
        KV stays inside a node, as in algorithm 2; otherwise it may go anywhere.
    """
    templates = tuple(
        Template(
            id=f"{role}-{one.tp}-{one.pp}",
            model=_MODEL,
            role=role,
            pool="a100",
            layout=Layout(tp=one.tp, pp=one.pp),
            rates={"all": one.rate},
        )
        for role, instances in roles.items()
        for one in instances
        if one.rate > 0
    )
    slowest = min(template.rates["all"] / template.gpus for template in templates)
    nodes = 2 * ceil(rate / slowest / _NODE) + 2
    problem = ServingProblem(
        pools=(Pool(id="a100", gpu=_GPU, nodes=nodes, gpus_per_node=_NODE),),
        demands=(Demand(id="all", model=_MODEL, requests_per_second=rate),),
        templates=templates,
        kv_affinity="low" if near else "high",
        goals=("gpus",),
    )
    found: ServingSolution = solve(problem, "cp-sat", time_limit=max(_LEAST_SECONDS, seconds))
    return found


def run(limits: Run) -> list[Row]:
    """Check the formulas, run both algorithms, solve exactly, compare with nothing split."""
    lengths = _chats(read_requests(limits.file("distserve", LENGTHS)).table)
    # A fleet of many instances is in its stride only when each of them has had hundreds of chats.
    many = poisson_requests(lengths, _REQUESTS[-1], seed=5)
    return limits.largest(
        _REQUESTS, lambda count: _rows(limits, poisson_requests(lengths, count, seed=5), many)
    )


def _rows(limits: Run, requests: RequestTable, many: RequestTable) -> list[Row]:
    layouts = _instances(limits, PHASES)
    prefill = [replace(one, rate=prefill_goodput(one, requests)) for one in layouts]
    decode = [replace(one, rate=decode_goodput(one, requests)) for one in layouts]
    whole = best(
        replace(one, rate=colocated_goodput(one, requests))
        for one in _instances(limits, COLOCATED)
        if one.pp == 1
    )
    return [
        _formula_row(layouts, 5 * len(requests)),
        _high_row(prefill, decode, limits.left / 10),
        _low_row(prefill, decode, requests, limits.left / 10),
        _colocated_row(best(prefill), best(decode), whole, many),
    ]


def _chats(table: RequestTable) -> RequestTable:
    """Leave out what the model's context does not hold."""
    kept = table.prompt_tokens + table.output_tokens <= (llm(_MODEL).max_tokens or 0)
    return table.rows(kept)


def _instances(limits: Run, file: str) -> list[Instance]:
    """Return all layouts that the coefficients and the table of KV capacities know."""
    path = limits.file("distserve", file)
    text, _ = read_text(limits.file("distserve", CAPACITY))
    known = {
        (int(row["tp"]), int(row["pp"])): int(row["max_num_tokens"])
        for row in csv.DictReader(StringIO(text))
    }
    return [
        Instance(tp, pp, cost, known[tp, pp])
        for pp in _STAGES
        for tp, cost in read_distserve(path, llm(_MODEL), gpu(_GPU), pp).items()
        if (tp, pp) in known
    ]


def _formula_row(layouts: Iterable[Instance], requests: int) -> Row:
    gaps = [formula_gap(one, requests) for one in layouts if one.pp == 1]
    return Row(
        case=f"prompts of 512 tokens, OPT-13B on A100, {len(gaps)} degrees, loads 0.3 to 0.7",
        measure="largest relative difference of mean TTFT, simulated against M/D/1",
        baseline=None,
        baseline_value=None,
        method="simulation",
        value=max(gaps),
        gap=None,
        published=None,
        verdict=f"{requests} requests a load",
    )


def _gpus(instance: Instance) -> int:
    return ceil(_RATE / instance.rate) * instance.gpus


def _high_row(prefill: list[Instance], decode: list[Instance], seconds: float) -> Row:
    first, second = best(prefill), best(decode)
    exact = exact_fleet({"prefill": prefill, "decode": decode}, _RATE, seconds, near=False)
    return _exact_row(
        "KV may go anywhere",
        "algorithm 1",
        _gpus(first) + _gpus(second),
        exact,
        f"prefill {first}, decode {second}",
    )


def _low_row(
    prefill: list[Instance], decode: list[Instance], requests: RequestTable, seconds: float
) -> Row:
    pairs = [
        (pair_goodput(first, second, requests), first, second)
        for first in prefill
        for second in decode
        if first.pp == second.pp and first.tp + second.tp <= _NODE
    ]
    rate, first, second = max(pairs, key=lambda pair: pair[0] / (pair[1].gpus + pair[2].gpus))
    if not rate:
        raise InputError.single("distserve", "no pair that keeps the limits", "at least one")
    exact = exact_fleet({"prefill": prefill, "decode": decode}, _RATE, seconds, near=True)
    return _exact_row(
        "KV stays inside a node",
        "algorithm 2",
        ceil(_RATE / rate) * (first.gpus + second.gpus),
        exact,
        f"pair of prefill {first}, decode {second}",
    )


def _exact_row(case: str, rule: str, gpus: int, exact: ServingSolution, choice: str) -> Row:
    if exact.objective is None:
        raise InputError.single("distserve", exact.status.value, "a fleet for the rate")
    counts = ", ".join(f"{fleet.replicas} x {fleet.template}" for fleet in exact.fleets)
    return Row(
        case=f"{_RATE:g} chats/s of ShareGPT, OPT-13B on A100, {case}",
        measure="GPUs, by the simulated goodput of single instances",
        baseline=f"{rule}: {choice}",
        baseline_value=float(gpus),
        method="exact numbers of instances",
        value=float(exact.objective),
        gap=exact.gap,
        published=None,
        verdict=counts,
    )


def _colocated_row(
    first: Instance, second: Instance, whole: Instance, requests: RequestTable
) -> Row:
    counts = [ceil(_RATE / one.rate) for one in (first, second)]
    gpus = counts[0] * first.gpus + counts[1] * second.gpus
    fleet = split(
        first.group("prefill", "prefill", counts[0]), second.group("decode", "decode", counts[1])
    )
    goodput = _goodput(fleet, requests, Slo(TTFT, TPOT))
    planned = simulate_fleet(fleet, at_rate(requests, _RATE))
    [demand] = measure(planned, {"all": Slo(TTFT, TPOT)}, percentiles=()).demands
    kept = demand.attainment.value if demand.attainment is not None else 0.0
    return Row(
        case=f"{len(requests)} chats of ShareGPT, OPT-13B on A100, {counts[0]}P {first} + "
        f"{counts[1]}D {second}",
        measure="requests/s a GPU, 90 % within 0.25 s and 0.1 s",
        baseline=f"vLLM's phases, nothing split, {whole}",
        baseline_value=whole.per_gpu,
        method="algorithm 1, simulated as a whole",
        value=goodput / gpus,
        gap=None,
        published="2.0x for OPT-13B",
        verdict=f"{kept:.0%} keep the limits at {_RATE:g} requests/s",
    )


SCENARIO = Scenario(
    name="distserve",
    system="DistServe, placement of prefill and decode by goodput (Zhong et al., OSDI 2024)",
    problem="parallelism and placement of prefill and decode by goodput",
    wants=f"{PHASES}, {COLOCATED}, {CAPACITY}, {LENGTHS}",
    run=run,
    targets=(
        Target(
            ("requests/s a GPU",),
            at_least=1.8,
            at_most=2.2,
            better="more",
            otherwise="goodput is simulated, with a model of the kernels",
        ),
    ),
)
