"""``scheduling explain``: why an instance has no solution, or what binds the one that it has."""

from __future__ import annotations

import typer

from scheduling.cli import options
from scheduling.cli.output import EXIT_CODES, emit_json, note

_DEFAULT_SECONDS = 60.0


def explain(
    file: options.InstanceFile,
    format_: options.FormatName = None,
    time_limit: options.Seconds = _DEFAULT_SECONDS,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Name a minimal set of constraints that cannot hold together.

    Of a placement problem, or a snapshot as kubectl prints it: why pods have no place, node by
    node, and the cheapest change that admits each. Of pipelines, rings, flows over spines,
    checkpoints, federated groups, offloading, spot capacity and tables: what binds the answer, and
    what single changes bring, each solved again.
    """
    import scheduling as sch
    from scheduling.cli.snapshots import read_problem

    problem, notes = read_problem(file, format_)
    limit = _DEFAULT_SECONDS if time_limit is None else time_limit
    found = sch.explain(problem, time_limit=limit, workers=workers, seed=seed)
    if json:
        emit_json("explanation", {**found.record(), **({"notes": notes} if notes else {})})
    else:
        typer.echo(str(found))
        for remark in notes:
            note(f"  note: {remark}")
        if found.status == "unknown":
            note("try a longer --time-limit")
    raise typer.Exit(EXIT_CODES[found.status])
