"""Which way a request takes through a deployment, by the weights of its demand's flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.errors import Fault, InputError
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance


@dataclass(slots=True)
class Choice:
    """A flow with its instances.

    Attributes
    ----------
    instances, decoders
        Those that compute prompts, and those that make answers where these are others.
    link
        How KV moves between them.
    weight
        Share of the demand's requests.
    prompt_limit, total_limit
        Tokens of the longest prompt, and of the longest prompt and answer, that pass.
    credit
        What it has to get yet: it grows by the share with each request of the demand and falls by
        one with each that goes this way, so that shares are kept as evenly as can be.
    """

    instances: list[Instance]
    decoders: list[Instance]
    link: Link | None
    weight: float
    prompt_limit: int
    total_limit: int
    credit: float = 0.0


class Flows:
    """The flows of every demand.

    Parameters
    ----------
    deployment, table
        The fleet and its requests.
    instances
        Instances of all groups, in the groups' order.

    Raises
    ------
    InputError
        When a demand of the table has no flow.
    """

    def __init__(
        self, deployment: Deployment, table: RequestTable, instances: Sequence[Instance]
    ) -> None:
        self._by_demand: list[list[Choice]] = []
        faults = []
        flows = deployment.flows or _open_flows(deployment, table)
        for demand in table.demands:
            own = [flow for flow in flows if flow.demand == demand]
            if not own:
                faults.append(Fault(f"flows of demand {demand!r}", "none", "at least one"))
            self._by_demand.append([_choice(flow, deployment, instances) for flow in own])
        if faults:
            raise InputError(faults)

    def choose(self, demand: int, prompt: int, total: int) -> Choice | None:
        """Return the flow of a request; ``None`` when it fits into no memory on any."""
        options = self._by_demand[demand]
        if len(options) == 1:
            only = options[0]
            return only if prompt <= only.prompt_limit and total <= only.total_limit else None
        fitting = [
            option
            for option in options
            if prompt <= option.prompt_limit and total <= option.total_limit
        ]
        if not fitting:
            return None
        whole = sum(option.weight for option in fitting)
        for option in fitting:
            option.credit += option.weight / whole
        best = max(fitting, key=lambda option: option.credit)
        best.credit -= 1.0
        return best


def _open_flows(deployment: Deployment, table: RequestTable) -> list[Flow]:
    """Return every demand's way to every group that serves whole requests."""
    return [
        Flow(demand, group.name, weight=float(group.replicas))
        for demand in table.demands
        for group in deployment.groups
        if group.role == "both"
    ]


def _choice(flow: Flow, deployment: Deployment, instances: Sequence[Instance]) -> Choice:
    groups = {group.name: group for group in deployment.groups}
    here = [instance for instance in instances if instance.group.name == flow.group]
    there = [instance for instance in instances if instance.group.name == flow.decode]
    first = _limit(groups[flow.group])
    last = first if flow.decode is None else _limit(groups[flow.decode])
    return Choice(here, there, flow.link, flow.weight, first - 1, last)


def _limit(group: Group) -> int:
    """Return the tokens of the longest prompt and answer that an instance can serve to its end.

    The last token is never stored.
    """
    longest = group.admission.longest
    held = group.kv_blocks * group.block_size
    if longest is None:
        return held + 1
    return min(longest, held) if -(-longest // group.block_size) <= group.kv_blocks else 0
