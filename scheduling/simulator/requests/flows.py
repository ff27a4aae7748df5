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


class Side:
    """Instances of one or several groups that serve the same.

    Parameters
    ----------
    groups
        Instances of each group, with the tokens of the longest sequence that one holds.
    """

    __slots__ = ("_groups", "instances", "least", "most")

    def __init__(self, groups: Sequence[tuple[int, Sequence[Instance]]]) -> None:
        self._groups = groups
        self.least = min((limit for limit, _ in groups), default=0)
        self.most = max((limit for limit, _ in groups), default=0)
        self.instances = [instance for _, own in groups for instance in own]

    def holding(self, tokens: int) -> Sequence[Instance]:
        """Return the instances that hold a sequence of so many tokens."""
        if tokens <= self.least:
            return self.instances
        return [instance for limit, own in self._groups if tokens <= limit for instance in own]


@dataclass(slots=True)
class Choice:
    """A flow with its instances.

    Attributes
    ----------
    first, last
        Those that compute prompts, and those that make answers where these are others.
    link
        How KV moves between them.
    weight
        Share of the demand's requests.
    credit
        What it has to get yet: it grows by the share with each request of the demand and falls by
        one with each that goes this way, so that shares are kept as evenly as can be.
    """

    first: Side
    last: Side | None
    link: Link | None
    weight: float
    credit: float = 0.0

    def prompts(self, prompt: int, total: int) -> Sequence[Instance]:
        """Return the instances that may compute a prompt, with an answer up to so many tokens."""
        tokens = total if self.last is None else prompt + 1
        side = self.first
        return side.instances if tokens <= side.least else side.holding(tokens)

    def answers(self, total: int) -> Sequence[Instance]:
        """Return the instances that may make an answer whose prompt others have computed."""
        return () if self.last is None else self.last.holding(total)

    def holds(self, prompt: int, total: int) -> bool:
        """Tell whether a request fits into some memory all along."""
        if self.last is None:
            return total <= self.first.most
        return prompt < self.first.most and total <= self.last.most


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
            if only.last is None:
                return only if total <= only.first.most else None
            return only if only.holds(prompt, total) else None
        fitting = [option for option in options if option.holds(prompt, total)]
        if not fitting:
            return None
        whole = sum(option.weight for option in fitting)
        for option in fitting:
            option.credit += option.weight / whole
        best = max(fitting, key=lambda option: option.credit)
        best.credit -= 1.0
        return best


def _open_flows(deployment: Deployment, table: RequestTable) -> list[Flow]:
    """Return every demand's way to the groups that serve whole requests."""
    whole = tuple(group.name for group in deployment.groups if group.role == "both")
    return [Flow(demand, whole) for demand in table.demands if whole]


def _choice(flow: Flow, deployment: Deployment, instances: Sequence[Instance]) -> Choice:
    groups = {group.name: group for group in deployment.groups}

    def side(names: Sequence[str]) -> Side:
        return Side(
            [
                (
                    _limit(groups[name]),
                    [instance for instance in instances if instance.group.name == name],
                )
                for name in names
            ]
        )

    last = side(flow.decoders) if flow.decoders else None
    return Choice(side(flow.groups), last, flow.link, flow.weight)


def _limit(group: Group) -> int:
    """Return the tokens of the longest prompt and answer that an instance can serve to its end.

    The last token is never stored.
    """
    longest = group.admission.longest
    held = group.kv_blocks * group.block_size
    if longest is None:
        return held + 1
    return min(longest, held) if -(-longest // group.block_size) <= group.kv_blocks else 0
