"""Tables of hosts and virtual machines, as cut from ByteDance's clusters of 2022.

``hosts``: host, rack, and cores and memory of each NUMA node (``numa0_cpu``, ``numa0_mem_mb``, …).
``vms``: vm, flavor, host, what it takes of each NUMA node, and ``allow_migration`` (0: it stays).
Both stand in one file, separated by a blank line, or in two whose names differ in ``hosts`` and
``vms``. What is free of hosts, and their sums, follow from the others: they need not be there, and
must be whole numbers where they are. Further columns are not read.
"""

from __future__ import annotations

from pathlib import Path

from scheduling.errors import UnsupportedError
from scheduling.instances.beside import both_tables
from scheduling.instances.placement.vms import Host, Machine, described, rescheduling, stem
from scheduling.instances.tables import Record, names_columns, once, write_table
from scheduling.models.base import Problem
from scheduling.models.placement.problem import PlacementProblem

MOVES = "moves"
"""What the number behind the format's name stands for."""

_ROOMS = ("numa0_cpu", "numa0_mem_mb", "numa1_cpu", "numa1_mem_mb")
_HOSTS = ("host", "rack", *_ROOMS)
_FOLLOWING = (
    "cpu",
    "mem_mb",
    "numa0_free_cpu",
    "numa0_free_mem_mb",
    "numa1_free_cpu",
    "numa1_free_mem_mb",
)
_VMS = ("vm", "flavor", "host", *_ROOMS, "allow_migration")
_KINDS = (("hosts", _HOSTS), ("virtual machines", _VMS))
_LONGEST_LABEL = 1000


def sniff_bytedance(text: str) -> bool:
    """Tell whether the text starts with a table of hosts or of virtual machines."""
    return names_columns(text, _HOSTS) or names_columns(text, _VMS)


def read_bytedance(text: str, source: str | None, moves: int | None = None) -> PlacementProblem:
    """Read a cluster as the problem of moving few virtual machines for few fragments.

    Parameters
    ----------
    text, source
        Content and name of the file; the table that it lacks is read from the file beside it.
    moves
        Most virtual machines that may move; ``None``: any number.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    hosts, machines = both_tables(text, source, _KINDS, _beside)
    known = {name: _host(name, row) for name, row in once(hosts.records, "host")}
    found = [_machine(name, row, known) for name, row in once(machines.records, "vm")]
    return rescheduling(known.values(), found, moves=moves, name=stem(source))


def _beside(file: Path) -> list[Path]:
    pairs = (("vms", "hosts"), ("hosts", "vms"))
    return [file.with_name(file.name.replace(a, b)) for a, b in pairs if a in file.name]


def _amounts(row: Record) -> tuple[tuple[int, int], tuple[int, int]]:
    first, second, third, fourth = (row.number(column) for column in _ROOMS)
    return (first, second), (third, fourth)


def _label(row: Record, column: str) -> dict[str, str]:
    text = row.text(column)
    if len(text) > _LONGEST_LABEL:
        raise row.fault(
            column, f"{len(text)} characters", f"a text of at most {_LONGEST_LABEL} characters"
        )
    return {column: text} if text else {}


def _host(name: str, row: Record) -> Host:
    for column in _FOLLOWING:
        if row.text(column):
            row.number(column)
    return Host(name, _amounts(row), _label(row, "rack"))


def _machine(name: str, row: Record, hosts: dict[str, Host]) -> Machine:
    host = row.name("host")
    if host not in hosts:
        raise row.fault("host", repr(host), "the name of a host")
    amounts = _amounts(row)
    takes = tuple(number for number, need in enumerate(amounts) if any(need))
    if not takes or (len(takes) == len(amounts) and amounts[0] != amounts[1]):
        expected = "amounts of one NUMA node, or equal ones of both"
        raise row.fault("numa0_cpu", f"{amounts[0]} and {amounts[1]}", expected)
    movable = row.number("allow_migration", 1)
    return Machine(name, host, takes, amounts[takes[0]], not movable, _label(row, "flavor"))


def write_bytedance(problem: Problem) -> str:
    """Write both tables, separated by a blank line.

    Raises
    ------
    UnsupportedError
        When the problem is no rescheduling of virtual machines, or has other labels, another size
        of fragments or a limit on moves.
    """
    cluster = described(problem, "bytedance")
    hosts, machines = cluster.hosts, cluster.machines
    again = rescheduling(
        [Host(h.name, h.rooms, _kept(h.labels, "rack")) for h in hosts],
        [
            Machine(m.name, m.host, m.takes, m.need, m.pinned, _kept(m.labels, "flavor"))
            for m in machines
        ],
        name=problem.name,
    )
    if again != problem or not all(any(machine.need) for machine in machines):
        text = "format bytedance cannot hold a limit on moves, labels beside rack and flavor, or"
        raise UnsupportedError(f"{text} fragments of other sizes: write .yaml or .json instead")
    rows = [(h.name, h.labels.get("rack", ""), *h.rooms[0], *h.rooms[1]) for h in hosts]
    vms = [
        (
            m.name,
            m.labels.get("flavor", ""),
            m.host,
            *(m.need if 0 in m.takes else (0, 0)),
            *(m.need if 1 in m.takes else (0, 0)),
            int(not m.pinned),
        )
        for m in machines
    ]
    return write_table(_HOSTS, rows) + "\n" + write_table(_VMS, vms)


def _kept(labels: dict[str, str], name: str) -> dict[str, str]:
    return {name: labels[name]} if labels.get(name) else {}
