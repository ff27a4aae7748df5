"""P/D-Serve's on-demand forwarding: prompts wait at the gateway, not in queues of instances.

With reports of queues (arXiv 2408.08147 and what it replaces) the gateway sends every prompt to the
instance that reported the least, so that those between two reports pile up there. On demand an
instance accepts a prompt or rejects it, and the gateway retries idle ones until the first token is
too late. Here eight pairs of NPUs compute prompts by the roofline, their answers made elsewhere;
lengths, rates and the time between reports are inferred. The bound on prompts in time holds for
every policy that computes them on the same instances.
"""

from __future__ import annotations

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.arrivals import PoissonArrivals
from scheduling.models.requests.lengths import FixedLength, LognormalLength
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass, Workload, sample
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import Slo
from scheduling.simulator.requests.policies.forwarding import OnDemand, ReportedTokens
from scheduling.simulator.requests.policies.routing import LeastTokens, RoundRobin
from scheduling.simulator.requests.policy import Router

_INSTANCES = 8
_REQUESTS = 4000
_TTFT = 1.0
_REPORT = 0.5
_SEED = 1
_PUBLISHED = "first tokens in time 57 % to 99 %, +42 points (arXiv 2408.08147)"


def instances() -> Group:
    """Return the instances that compute prompts."""
    model, card, layout = llm("qwen2.5-14b"), gpu("ascend-910b"), Layout(tp=2)
    precision = Precision(weights="fp16", compute="fp16", kv="fp16")
    return Group(
        "prompts",
        replica_cost(model, card, layout, precision),
        kv_capacity(model, card, layout, precision) or 0,
        replicas=_INSTANCES,
    )


def prompts(rate: float) -> RequestTable:
    """Draw prompts whose answers end, for these instances, with the first token."""
    lengths = LognormalLength(median=1500, sigma=0.8, at_most=8000)
    only = RequestClass(
        arrivals=PoissonArrivals(rate=rate), prompt=lengths, output=FixedLength(tokens=1)
    )
    return sample(Workload(classes=(only,)), requests=_REQUESTS, seed=_SEED)


def run(limits: Run) -> list[Row]:
    """Send the same prompts by reports, in turn, by exact queues, and on demand."""
    del limits
    group, slos = instances(), {"all": Slo(ttft_seconds=_TTFT)}
    rows = []
    for rate in (30.0, 40.0):
        table = prompts(rate)
        certifier = Certifier((group,), slos)
        routers: tuple[Router, ...] = (
            OnDemand(_TTFT),
            ReportedTokens(_REPORT),
            RoundRobin(),
            LeastTokens(),
        )
        kept = {}
        for router in routers:
            found = simulate_fleet(Deployment((group,)), table, router=router)
            kept[router.name] = next(
                one for one in certifier.certify(found) if one.objective == "in-slo"
            )
        best = kept.pop("on-demand")
        rows += [
            Row(
                case=f"{rate:g} prompts a second, {_INSTANCES} instances, reports every "
                f"{_REPORT:g} s (inferred)",
                measure=f"share of first tokens within {_TTFT:g} s",
                baseline=name,
                baseline_value=one.value / _REQUESTS,
                method="on-demand",
                value=best.value / _REQUESTS,
                gap=best.gap,
                published=_PUBLISHED if name == "queue-report" else None,
                verdict=f"{best.value - one.value:+.0f} of {_REQUESTS} prompts in time",
            )
            for name, one in kept.items()
        ]
    return rows


SCENARIO = Scenario(
    name="pd-forwarding",
    system="P/D-Serve's on-demand forwarding of prompts (arXiv 2408.08147)",
    problem="prompts to instances on demand",
    wants="nothing: a model and a device of the catalogue, by the roofline, and drawn prompts",
    run=run,
    targets=(
        Target(("queue-report", "share of first tokens"), at_least=1),
        Target(("queue-report", "share of first tokens"), of="value", at_least=0.95),
    ),
)
