"""REFT: snapshots in the memory of other nodes with erasure coding, and storage rarely."""

from __future__ import annotations

from scheduling.scenarios.checkpointing import (
    BYTES,
    GPUS,
    PARAMETERS,
    PCIE,
    rows,
    to_storage,
    training,
)
from scheduling.scenarios.scenario import Row, Run, Scenario

_COVERS = 0.98
"""Share of the failures that hit one node of an erasure group alone; inferred."""

_RESTART_SECONDS = 120.0


def run(limits: Run) -> list[Row]:  # noqa: ARG001 - takes a moment
    """Compare copies to storage alone with snapshots in memory before them."""
    memory = {
        "id": "memory of other nodes",
        "copy_seconds": PARAMETERS * BYTES / GPUS / PCIE,
        "restart_seconds": _RESTART_SECONDS,
        "covers": _COVERS,
    }
    published = "fault tolerance in memory at near-zero overhead (abstract)"
    better = training(memory, to_storage())
    return rows("snapshots in memory", published, training(to_storage()), better)


SCENARIO = Scenario(
    name="reft",
    system="REFT: in-memory fault tolerance for training of language models (abstract)",
    wants="nothing: a run with inferred sizes and rates",
    run=run,
)
