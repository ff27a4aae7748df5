"""Nodes and pods of Alibaba's GPU clusters (cluster-trace-gpu-v2023, "openb").

Nodes: ``sn``, ``cpu_milli``, ``memory_mib``, ``gpu`` (their number) and ``model``. Pods: ``name``,
``cpu_milli``, ``memory_mib``, ``num_gpu``, ``gpu_milli`` (thousandths of the GPU, when it is one),
``gpu_spec`` (models that it may use, separated by ``|``), ``qos``, ``pod_phase`` and the times of
creation, deletion and scheduling. Both tables stand in one file, separated by a blank line; with
the pods alone, the nodes are read from the list of GPU nodes, else of all nodes, beside them.

Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
Descent", USENIX ATC 2023.
"""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from scheduling.errors import UnsupportedError
from scheduling.instances.beside import both_tables
from scheduling.instances.placement.vms import stem
from scheduling.instances.tables import Record, names_columns, once, write_table
from scheduling.models.base import Problem
from scheduling.models.placement.devices import GPU, MILLI, WHOLE, gpu, gpu_share
from scheduling.models.placement.fragmentation import typical_requests
from scheduling.models.placement.measures import Workload
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import NodeTerm, Requirement

PERCENT = "percent"
"""What the number behind the format's name stands for."""

MODEL = "gpu-model"

_NODES = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
_TIMES = ("creation_time", "deletion_time", "scheduled_time")
_TEXTS = ("qos", "pod_phase", *_TIMES)
_PODS = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec", *_TEXTS)
_NEEDED = _PODS[:6]
_KINDS = (("nodes", _NODES), ("pods", _NEEDED))
_NODE_LISTS = ("openb_node_list_gpu_node.csv", "openb_node_list_all_node.csv")
_MOST_GPUS = 1000
_LONGEST = 1000

PRIORITIES = {"BE": 0, "Burstable": 1, "LS": 2, "Guaranteed": 3}
"""Priority of each quality of service; others have that of BE."""


def sniff_openb(text: str) -> bool:
    """Tell whether the text starts with a table of nodes or of pods."""
    return names_columns(text, _NODES) or names_columns(text, _NEEDED)


def read_openb(text: str, source: str | None, percent: int | None = None) -> PlacementProblem:
    """Read the pods as waiting for the nodes, which are empty.

    A pod's times, phase and quality of service are its labels; the last is its priority too. What
    the pods ask for is the workload that fragmentation is measured against.

    Parameters
    ----------
    text, source
        Content and name of the file.
    percent
        Take pods, in the order of their creation, until they ask for that share of all GPUs;
        ``None``: all.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    nodes, pods = both_tables(text, source, _KINDS, _beside)
    hosts = tuple(_node(name, row) for name, row in once(nodes.records, "sn"))
    items = tuple(_item(name, row) for name, row in once(pods.records, "name"))
    workload = _workload(items) if any(item.shares for item in items) else None
    if percent is not None:
        items = _first(items, sum(len(node.parts) for node in hosts) * WHOLE * percent // 100)
    return PlacementProblem(name=stem(source), nodes=hosts, items=items, workload=workload)


def _workload(items: tuple[Item, ...]) -> Workload:
    """Return what the pods ask for as the requests that fragmentation is measured against."""
    return Workload(resource=MILLI, kind=GPU, requests=typical_requests(items))


def _beside(file: Path) -> list[Path]:
    return [file.with_name(name) for name in _NODE_LISTS if name != file.name]


def _first(items: tuple[Item, ...], amount: int) -> tuple[Item, ...]:
    """Return the items created first whose requests for GPUs sum up to at most ``amount``."""
    order = sorted(items, key=lambda item: int(item.labels.get("creation_time", "0")))
    reach = accumulate(gpu_request(item) for item in order)
    taken = {item.id for item, total in zip(order, reach, strict=True) if total <= amount}
    return tuple(item for item in items if item.id in taken)


def gpu_request(item: Item) -> int:
    """Return the thousandths of GPUs that an item takes."""
    return sum(share.count * share.options[0].get(MILLI, 0) for share in item.shares)


def _node(name: str, row: Record) -> Node:
    model = row.text("model")
    if len(model) > _LONGEST:
        raise row.fault("model", f"{len(model)} characters", f"at most {_LONGEST} characters")
    return Node(
        id=name,
        capacity={"cpu": row.number("cpu_milli"), "memory": row.number("memory_mib")},
        labels={MODEL: model} if model else {},
        parts=tuple(gpu(f"{GPU}-{number}") for number in range(row.number("gpu", _MOST_GPUS))),
    )


def _item(name: str, row: Record) -> Item:
    count = row.number("num_gpu", _MOST_GPUS)
    milli = row.number("gpu_milli", WHOLE) if count == 1 else WHOLE
    if count == 1 and milli == 0:
        raise row.fault("gpu_milli", "0", f"a number from 1 to {WHOLE} for a pod with a GPU")
    models = [model.strip() for model in row.text("gpu_spec").split("|")]
    if not all(models) and models != [""]:
        raise row.fault("gpu_spec", repr(row.text("gpu_spec")), "models separated by |")
    if max(map(len, models)) > _LONGEST:
        raise row.fault("gpu_spec", f"{len(models[0])} characters", f"at most {_LONGEST} each")
    for column in _TIMES:
        if row.text(column):
            row.number(column)
    labels = {column: row.text(column) for column in _TEXTS if row.text(column)}
    if max(map(len, labels.values()), default=0) > _LONGEST:
        raise row.fault("qos", "a long text", f"at most {_LONGEST} characters")
    term = NodeTerm(labels=(Requirement(key=MODEL, values=tuple(models)),))
    return Item(
        id=name,
        demands={"cpu": row.number("cpu_milli"), "memory": row.number("memory_mib")},
        priority=PRIORITIES.get(row.text("qos"), 0),
        labels=labels,
        node_affinity=(term,) if models != [""] else (),
        shares=(gpu_share(count, milli),) if count else (),
    )


def write_openb(problem: Problem) -> str:
    """Write both tables, separated by a blank line.

    Raises
    ------
    UnsupportedError
        When the problem is not that of pods waiting for empty nodes with GPUs.
    """
    if not isinstance(problem, PlacementProblem):
        raise UnsupportedError("format openb holds problems of kind placement only")
    nodes = [
        (
            node.id,
            node.capacity.get("cpu", 0),
            node.capacity.get("memory", 0),
            len(node.parts),
            node.labels.get(MODEL, ""),
        )
        for node in problem.nodes
    ]
    text = write_table(_NODES, nodes) + "\n" + write_table(_PODS, map(_row, problem.items))
    if _means(text, problem):
        return text
    only = "pods that wait for empty nodes with GPUs, with the labels that its columns are"
    raise UnsupportedError(f"format openb holds only {only}: write .yaml or .json instead")


def _row(item: Item) -> tuple[object, ...]:
    share = item.shares[0] if item.shares else None
    models = [value for term in item.node_affinity for row in term.labels for value in row.values]
    return (
        item.id,
        item.demands.get("cpu", 0),
        item.demands.get("memory", 0),
        0 if share is None else share.count,
        0 if share is None else share.options[0].get(MILLI, 0),
        "|".join(models),
        *(item.labels.get(column, "") for column in _TEXTS),
    )


def _means(text: str, problem: PlacementProblem) -> bool:
    """Tell whether a text that was written reads back as the problem, its workload apart."""
    from scheduling.errors import InputError

    try:
        again = read_openb(text, None)
    except InputError:
        return False
    return again.model_copy(update={"name": problem.name, "workload": problem.workload}) == problem
