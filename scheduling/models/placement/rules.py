"""What decides where an item may stand: labels, taints, selectors, terms of affinity, spread.

Names and meanings are those of Kubernetes; an item stands for a pod, a VM or a replica.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name

Text = Annotated[str, Field(max_length=1000)]
Labels = dict[Name, Text]
MAX_TIME = 2**53
"""Latest moment of a window."""
Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
Operator = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]


class Taint(Frozen):
    """Mark of a node that keeps away items without a matching toleration."""

    key: Name
    value: Text = ""
    effect: Effect = "NoSchedule"


class Toleration(Frozen):
    """Leave for taints: of one key and value, of one key, or (``key`` missing) of all.

    ``Gt`` and ``Lt`` tolerate taints of the key whose value is a greater or lesser whole number
    (KEP-5471); what is no whole number is not tolerated.
    """

    key: Name | None = None
    operator: Literal["Equal", "Exists", "Gt", "Lt"] = "Equal"
    value: Text = ""
    effect: Effect | None = Field(default=None, description="None: every effect.")


class Requirement(Frozen):
    """One condition on a label: ``key operator values``.

    ``NotIn`` and ``DoesNotExist`` hold where the label is missing; ``Gt`` and ``Lt`` compare whole
    numbers.
    """

    key: Name
    operator: Operator = "In"
    values: Many[Text] = ()


class NodeTerm(Frozen):
    """Conditions on a node's labels and on its name that hold together."""

    labels: Many[Requirement] = ()
    nodes: Many[Name] | None = Field(default=None, description="Ids of nodes; none: any node.")
    excluded: Many[Name] = Field(default=(), description="Ids of nodes that do not meet it.")


class NodePreference(Frozen):
    """A node that meets ``term`` is better by ``weight``."""

    weight: Annotated[int, Field(ge=1, le=100)]
    term: NodeTerm


class Selector(Frozen):
    """Which items are meant: all labels of ``match``, and all ``requirements``; empty: every."""

    match: Labels = Field(default_factory=dict)
    requirements: Many[Requirement] = ()


class ItemTerm(Frozen):
    """Items of ``namespaces`` (empty: the item's own) that ``selector`` means, per domain.

    A domain is the set of nodes with one value of the label ``topology``.
    """

    selector: Selector
    topology: Name
    namespaces: Many[Name] = ()


class ItemPreference(Frozen):
    """A wish for neighbours: it is not met at a loss of ``weight``.

    It is met where another item that ``term`` means stands in the item's domain, and with ``apart``
    where none does. A node without the label has no domain: nothing is near it.
    """

    weight: Annotated[int, Field(ge=1, le=100)]
    term: ItemTerm
    apart: bool = False


class Spread(Frozen):
    """Even numbers over domains: where the item is put, ``count - least count <= max_skew``.

    Counted are the items of the same namespace that ``selector`` means and that are not leaving;
    the domains are the values of the label ``topology`` among the nodes that count. Nodes that lack
    a label of any of the item's rules of spread never count, and the item may not come to them.
    With fewer domains than ``min_domains`` the least count is 0.
    """

    selector: Selector
    topology: Name
    max_skew: Annotated[int, Field(ge=1, le=10**6)] = 1
    min_domains: Annotated[int, Field(ge=1, le=10**6)] = 1
    honor_affinity: bool = Field(
        default=True, description="Only nodes that the item's selector and affinity allow count."
    )
    honor_taints: bool = Field(
        default=False, description="Only open nodes whose taints the item tolerates count."
    )


class Window(Frozen):
    """A time ``[start, end)``, in any whole unit."""

    start: Annotated[int, Field(ge=0, le=MAX_TIME)]
    end: Annotated[int, Field(ge=0, le=MAX_TIME)]


class Port(Frozen):
    """A port of the node that an item takes.

    Two items conflict on equal port and protocol, unless each names another address.
    """

    port: Annotated[int, Field(ge=1, le=65535)]
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    address: Text = Field(default="", description="Of the node; empty: every address.")
