"""ByteCheckpoint: stalls, saves and loads of checkpoints by the published factors."""

from __future__ import annotations

from scheduling.scenarios.checkpointing import RESTART_SECONDS, rows, to_storage, training
from scheduling.scenarios.scenario import Row, Run, Scenario

_STALL, _SAVE, _LOAD = 54.2, 9.96, 8.8
"""Published factors by which stalls, saves and loads are shorter, on average."""


def run(limits: Run) -> list[Row]:  # noqa: ARG001 - takes a moment
    """Compare copies with those that the published factors make of them."""
    base = training(to_storage())
    seconds = base.levels[0].copy_seconds
    copy = seconds / _SAVE
    better = to_storage(
        copy_seconds=copy,
        hidden_seconds=max(0.0, copy - seconds / _STALL),
        restart_seconds=RESTART_SECONDS + seconds / _LOAD,
    )
    published = "stalls 54.2 x shorter, saves 9.96 x, loads 8.8 x faster (abstract)"
    return rows("copies by the published factors", published, base, training(better))


SCENARIO = Scenario(
    name="bytecheckpoint",
    system="ByteCheckpoint: checkpoints that load under any parallelism (abstract)",
    wants="nothing: a run with inferred sizes and rates",
    run=run,
)
