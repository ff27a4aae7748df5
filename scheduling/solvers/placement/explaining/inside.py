"""Whether the parts of a node have room for what an item takes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from scheduling.models.placement.parts import Part, Share
from scheduling.models.placement.problem import Node

Taken = Mapping[str, Counter[str]]
"""What is taken of each part of a node, by its id."""

NOTHING: Taken = {}


def fitting(node: Node, share: Share, taken: Taken) -> list[Part]:
    """Parts of a node on which one of the options of a share fits."""
    found = []
    for part in node.parts:
        used = taken.get(part.id, Counter[str]())
        room = {name: amount - used[name] for name, amount in part.capacity.items()}
        if part.kind == share.kind and any(
            all(need <= room.get(name, 0) for name, need in option.items())
            for option in share.options
        ):
            found.append(part)
    return found


def has_parts(node: Node, shares: Sequence[Share], group: str | None, taken: Taken) -> bool:
    """Tell whether a node has enough parts for each share, of one value of a group if given."""
    found = [(share, fitting(node, share, taken)) for share in shares]
    if group is None:
        return all(len(parts) >= share.count for share, parts in found)
    values = {part.groups[group] for part in node.parts if group in part.groups}
    return any(
        all(
            sum(part.groups.get(group) == value for part in parts) >= share.count
            for share, parts in found
        )
        for value in values
    )
