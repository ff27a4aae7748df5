"""Groups of prompts by the prefix that they share, each prompt in one group only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.models.requests.paths import Paths


@dataclass(frozen=True, slots=True)
class PrefixGroup:
    """Prompts that begin with the same tokens.

    Parameters
    ----------
    tokens
        Tokens that all of them begin with; 0 of a prompt by itself.
    rows
        Their rows in the table of requests, ascending.
    """

    tokens: int
    rows: tuple[int, ...]

    @property
    def saved(self) -> int:
        """Tokens that need no computing when the prefix is computed once."""
        return (len(self.rows) - 1) * self.tokens


@dataclass(slots=True)
class _Node:
    level: int
    children: list[int]
    rows: list[int]
    ending: list[int]
    tokens: int = 0


def prefix_groups(paths: Paths, count: int) -> list[PrefixGroup]:
    """Return the groups that save most tokens when each prompt shares one prefix.

    BatchLLM's way from many levels of sharing to one (arXiv 2412.03594): at each node of the tree
    of prefixes either all prompts behind it share the way to it, which saves
    ``(prompts - 1) * tokens``, or its children decide for themselves; the better of both from the
    leaves up. What children leave alone joins no group above, and ties go to the larger group. The
    work grows with the streams of all prompts.

    Parameters
    ----------
    paths
        What the prompts consist of.
    count
        Prompts.
    """
    nodes, roots = _tree(paths, count)
    best: dict[int, int] = {}
    for stream, node in sorted(nodes.items(), key=lambda entry: -entry[1].level):
        below = sum(best[child] for child in node.children)
        best[stream] = max((len(node.rows) - 1) * node.tokens, below)
    groups: list[PrefixGroup] = []
    pending = list(roots)
    single = [row for row in range(count) if paths.starts[row] == paths.starts[row + 1]]
    while pending:
        stream = pending.pop()
        node = nodes[stream]
        if len(node.rows) > 1 and (len(node.rows) - 1) * node.tokens == best[stream]:
            groups.append(PrefixGroup(node.tokens, tuple(node.rows)))
        else:
            pending += node.children
            single += node.ending
    groups += [PrefixGroup(0, (row,)) for row in single]
    return sorted(groups, key=lambda group: group.rows)


def saved_tokens(groups: Sequence[PrefixGroup]) -> int:
    """Return the prompt tokens that need no computing with each group's prefix computed once."""
    return sum(group.saved for group in groups)


def _tree(paths: Paths, count: int) -> tuple[dict[int, _Node], list[int]]:
    """Return the nodes by stream, and those at the heads of prompts."""
    nodes: dict[int, _Node] = {}
    roots: dict[int, None] = {}
    below: dict[int, dict[int, None]] = defaultdict(dict)
    for row in range(count):
        above = None
        for level, (stream, end) in enumerate(paths.row(row)):
            node = nodes.setdefault(stream, _Node(level, [], [], [], end))
            node.rows.append(row)
            # A prompt that leaves a stream earlier shares no more of it.
            node.tokens = min(node.tokens, end)
            if above is None:
                roots[stream] = None
            else:
                below[above][stream] = None
            above = stream
        if above is not None:
            nodes[above].ending.append(row)
    for stream, children in below.items():
        nodes[stream].children = list(children)
    return nodes, list(roots)
