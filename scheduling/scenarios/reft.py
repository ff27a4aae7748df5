"""REFT: snapshots of a training state in the memory of the nodes, the disk only now and then.

Known by its abstract: the sharded state is copied to the hosts' memory beside the training and is
spread over nodes with an erasure code, so that a lost node is repaired from memory, and the disk is
needed only when more nodes of a group fail together than the code can replace. How often to do
either is a small problem with an exact answer (see ``checkpointing``); the usual formula of Young
and Daly at each level is measured against it, and both against a simulation of failures.

Inferred: 64 nodes that fail every 150 days each, 7 % of the failures too many for the code; 8 s of
stall for a snapshot, 90 s for a checkpoint on disk, 40 and 400 s to go on.
"""

from __future__ import annotations

from scheduling.scenarios.checkpointing import (
    Machine,
    best_pattern,
    simulated_waste,
    waste,
    young_daly,
)
from scheduling.scenarios.scenario import Row, Run, Scenario

DAY = 86_400.0
_FAILURES = 64 / (150 * DAY)
_UNCOVERED = 0.07

CLUSTER = Machine(
    soft=_FAILURES * (1 - _UNCOVERED),
    hard=_FAILURES * _UNCOVERED,
    snapshot=8.0,
    disk=90.0,
    from_snapshot=40.0,
    from_disk=400.0,
)

_SIMULATED = 20_000 * DAY


def run(limits: Run) -> list[Row]:
    """Measure intervals by formula against the best pattern, on disk alone and with snapshots."""
    del limits
    plain = CLUSTER.disk_only()
    alone, formula = young_daly(plain), young_daly(CLUSTER)
    base, value = waste(plain, alone), waste(CLUSTER, formula)
    least = {machine: waste(machine, best_pattern(machine)) for machine in (plain, CLUSTER)}
    seen = simulated_waste(CLUSTER, formula, _SIMULATED, seed=1)
    hours = formula.segments * formula.work / 3600
    return [
        Row(
            case="64 nodes, disk alone",
            measure="time wasted, share of the work",
            baseline="no checkpoint for a day",
            baseline_value=waste(plain, type(alone)(1, DAY)),
            method="interval of Young and Daly",
            value=base,
            gap=1.0 - least[plain] / base,
            published=None,
            verdict=f"every {alone.work / 60:.1f} minutes",
        ),
        Row(
            case="64 nodes, snapshots in memory",
            measure="time wasted, share of the work",
            baseline="disk alone",
            baseline_value=base,
            method="intervals of Young and Daly",
            value=value,
            gap=1.0 - least[CLUSTER] / value,
            published="disk rarely",
            verdict=f"snapshot every {formula.work / 60:.1f} minutes, disk every {hours:.1f} h; "
            f"simulated {seen:.5f}, exact {value:.5f}",
        ),
    ]


SCENARIO = Scenario(
    name="reft",
    system="REFT: in-memory fault tolerance of large training (known by its abstract)",
    wants="nothing: rates as stated",
    run=run,
)
