"""``scheduling pods``: place the pending pods of a cluster snapshot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduling.cli import options
from scheduling.cli.live import LiveLine
from scheduling.cli.output import EXIT_CODES, emit_json, note, note_files, summary, table

if TYPE_CHECKING:
    from scheduling.models.placement.problem import PlacementProblem
    from scheduling.models.placement.solution import PlacementSolution
    from scheduling.models.placement.steps import Step
    from scheduling.solvers.placement.explaining.explanation import LeftOut, PlacementExplanation

_SHOWN = 50
_NAMED = 5
"""Pods that a note names."""

Snapshot = Annotated[
    str,
    typer.Argument(
        metavar="SNAPSHOT",
        help="What kubectl prints with -o json or yaml, - for standard input, or "
        "bundled:gpu-cluster.",
        show_default=False,
    ),
]
SearchSeconds = Annotated[
    float, typer.Option(metavar="SECONDS", help="Wall-clock limit for the search.")
]
MaxMoves = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, max=10**9, help="Most running pods to move or evict."),
]
Goals = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="What comes behind the placed pods, repeatable, most important first: evictions, "
        "moves (these two by default), nodes, preferences, spread, spread:LABEL, "
        "balance:RESOURCE, fragmentation:RESOURCE.",
    ),
]
ProblemFile = Annotated[
    Path | None,
    typer.Option(
        "--problem",
        metavar="FILE",
        help="Write the placement problem (YAML, JSON).",
        callback=options.writable,
    ),
]
Commands = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the plan as a shell script of kubectl calls.",
        callback=options.writable,
    ),
]
WhatIf = Annotated[
    bool,
    typer.Option("--what-if", help="Also find what keeps pods out, and what would admit them."),
]


def pods(
    snapshot: Snapshot,
    time_limit: SearchSeconds = 10.0,
    max_moves: MaxMoves = None,
    goal: Goals = None,
    solver: options.PlacementSolver = "auto",
    workers: options.Workers = None,
    seed: options.Seed = 0,
    output: options.Output = None,
    problem: ProblemFile = None,
    commands: Commands = None,
    what_if: WhatIf = False,
    json: options.Json = False,
) -> None:
    """Place pending pods, highest priority first, with as few evictions and moves as can be.

    A snapshot is what kubectl get nodes,pods,priorityclasses,pdb,resourcequotas,pv,pvc,namespaces
    -A -o json prints. Nothing is changed in the cluster: the plan is printed, in an order in which
    every step finds room.
    """
    import scheduling as sch
    from scheduling.instances.files import require_format
    from scheduling.kubernetes.bundled import snapshot_text
    from scheduling.kubernetes.evictions import bare_pods
    from scheduling.kubernetes.goals import with_goals
    from scheduling.kubernetes.snapshot import read_snapshot
    from scheduling.solvers.placement.ordering import order_steps

    text, source = snapshot_text(snapshot)
    found = read_snapshot(text, source)
    stated = found.problem.model_copy(update={"max_moves": max_moves})
    stated = with_goals(stated, goal) if goal else stated
    if problem is not None:
        require_format(stated, problem)
    with LiveLine(quiet=json) as line:
        solution = sch.solve(
            stated,
            solver,
            time_limit=time_limit,
            workers=workers,
            seed=seed,
            on_progress=line.update,
        )
    steps = order_steps(stated, solution)
    bare = bare_pods(stated, steps)
    remarks = (*found.notes, *_of_bare(bare))
    _write(stated, solution, steps, bare, problem, output, commands)
    why = _explained(stated, solution, time_limit if what_if else None, workers, seed)
    if json:
        emit_json("pods", _record(solution, steps, why, remarks))
    else:
        _show(stated, solution, steps, why)
        if what_if:
            _show_changes(why)
        for remark in remarks:
            note(f"  note: {remark}")
        note_files(solution=output, problem=problem, commands=commands)
    raise typer.Exit(EXIT_CODES[solution.status])


def _of_bare(pods: tuple[str, ...]) -> Iterator[str]:
    """Yield a note on pods that end for good when they are evicted."""
    if pods:
        more = f" and {len(pods) - _NAMED} more" if len(pods) > _NAMED else ""
        named = ", ".join(pods[:_NAMED])
        yield f"Pod {named}{more}: evicted without a controller that would start it again"


def _write(
    problem: PlacementProblem,
    solution: PlacementSolution,
    steps: list[Step],
    bare: tuple[str, ...],
    problem_file: Path | None,
    solution_file: Path | None,
    script: Path | None,
) -> None:
    """Write what a file was named for."""
    from scheduling.instances.files import write, write_solution
    from scheduling.kubernetes.commands import shell_script
    from scheduling.storage import write_whole

    if problem_file is not None:
        write(problem, problem_file)
    if solution_file is not None:
        write_solution(solution, solution_file)
    if script is not None:
        write_whole(script, shell_script(steps, bare).encode())


def _explained(
    problem: PlacementProblem,
    solution: PlacementSolution,
    time_limit: float | None,
    workers: int | None,
    seed: int,
) -> PlacementExplanation:
    """Say what is left out; with a time limit also what cannot meet and what would admit it."""
    from scheduling.machine import usable_cores
    from scheduling.solvers.board import Budget
    from scheduling.solvers.placement.explaining.explain import explain_solution, left_out
    from scheduling.solvers.placement.explaining.explanation import PlacementExplanation
    from scheduling.solvers.watching import one_of_many

    if time_limit is None:
        groups = left_out(problem, solution)
        return PlacementExplanation(solution.status, tuple(groups))
    deadline = time.monotonic() + time_limit
    budget = Budget(deadline, None, workers or usable_cores(), seed)
    try:
        with one_of_many():
            return explain_solution(problem, solution, budget)
    except KeyboardInterrupt:
        note("  interrupted: what would admit the pods that are left out is not known")
        return PlacementExplanation(solution.status, tuple(left_out(problem, solution)))


def _record(
    solution: PlacementSolution,
    steps: list[Step],
    why: PlacementExplanation,
    notes: tuple[str, ...],
) -> dict[str, Any]:
    return {
        **solution.model_dump(mode="json"),
        "steps": [step.model_dump(mode="json") for step in steps],
        "unplaced": [group.record() for group in why.left_out],
        "changes": [change.record() for change in why.changes],
        "notes": list(notes),
    }


def _show(
    problem: PlacementProblem,
    solution: PlacementSolution,
    steps: list[Step],
    why: PlacementExplanation,
) -> None:
    summary(solution, _title(problem, solution))
    if steps:
        rows = [
            [str(k), step.action, step.item, step.origin or "", step.destination or "", step.reason]
            for k, step in enumerate(steps[:_SHOWN], 1)
        ]
        table(["step", "action", "pod", "from", "to", ""], rows, "plan")
        _more(len(steps))
    if why.left_out:
        rows = [_row(group) for group in why.left_out[:_SHOWN]]
        headers = ["left out", "nodes, and what excludes them", "cannot all hold"]
        shown = len(headers) if any(row[-1] for row in rows) else len(headers) - 1
        table(headers[:shown], [row[:shown] for row in rows])
        _more(len(why.left_out))


def _title(problem: PlacementProblem, solution: PlacementSolution) -> str:
    """Return how large the cluster is, and how many of the pending pods have a node."""
    sizes = f"{len(problem.nodes)} nodes, {len(problem.items)} pods, "
    pending = {item.id for item in problem.items if item.node is None}
    placed = len(pending & {entry.item for entry in solution.placements})
    if not pending or solution.objective is None:
        return f"{sizes}{len(pending)} pending"
    return f"{sizes}{len(pending)} pending: {placed} placed, {len(pending) - placed} left out"


def _row(group: LeftOut) -> list[str]:
    more = f" and {len(group.items) - 1} like it" if len(group.items) > 1 else ""
    reasons = (f"{count} node{'s' * (count > 1)}: {text}" for count, text in group.reasons)
    proof = "" if group.proven or not group.conflict else "not proven: "
    return [
        group.items[0] + more,
        "; ".join(reasons),
        proof + "; ".join(map(str, group.conflict)),
    ]


def _show_changes(why: PlacementExplanation) -> None:
    for group in why.left_out[:_SHOWN]:
        if group.remedy is not None:
            print(f"  cheapest change that admits {group.items[0]}: {group.remedy}")
    if why.changes:
        rows = [
            [
                change.change,
                str(len(change.admitted)),
                str(len(change.displaced)),
                str(change.disturbed),
                "yes" if change.proven else "no",
            ]
            for change in why.changes
        ]
        headers = ["what if", "admits", "displaces", "disturbs", "proven least"]
        table(headers, rows)
    elif why.left_out:
        print("  no single change that was tried admits more pods")


def _more(count: int) -> None:
    if count > _SHOWN:
        print(f"  … and {count - _SHOWN} more; --json prints all")
