"""``scheduling pods``: place the pending pods of a cluster snapshot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduling.cli import options
from scheduling.cli.live import LiveLine
from scheduling.cli.output import EXIT_CODES, emit_json, note, summary, table

if TYPE_CHECKING:
    from scheduling.kubernetes.advice import Advice
    from scheduling.kubernetes.whatif import Change
    from scheduling.models.placement.problem import PlacementProblem
    from scheduling.models.placement.solution import PlacementSolution
    from scheduling.models.placement.steps import Step

EXAMPLE = "Example: scheduling pods cluster.json --max-moves 5"
_SHOWN = 50


def pods(
    snapshot: Annotated[
        str,
        typer.Argument(
            metavar="SNAPSHOT",
            help="What kubectl prints with -o json or yaml, or - for standard input.",
            show_default=False,
        ),
    ],
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="Wall-clock limit for the search.")
    ] = 10.0,
    max_moves: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Most running pods to move or evict.")
    ] = None,
    goal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What comes behind the placed pods, repeatable, most important first: evictions, "
            "moves (these two by default), nodes, preferences.",
        ),
    ] = None,
    solver: Annotated[
        str,
        typer.Option(metavar="S", help="auto, cp-sat, lns, best-fit or default-scheduler."),
    ] = "auto",
    workers: options.Workers = None,
    seed: options.Seed = 0,
    output: options.Output = None,
    problem: Annotated[
        Path | None,
        typer.Option("--problem", metavar="FILE", help="Write the placement problem (YAML, JSON)."),
    ] = None,
    commands: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the plan as a shell script of kubectl calls."),
    ] = None,
    what_if: Annotated[
        bool,
        typer.Option("--what-if", help="Also try what would admit the pods left out."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Place pending pods, highest priority first, with as few evictions and moves as can be.

    A snapshot is what kubectl get nodes,pods,priorityclasses,pdb,resourcequotas,pv,pvc,namespaces
    -A -o json prints. Nothing is changed in the cluster: the plan is printed, in an order in which
    every step finds room. Exit codes: 0 plan found, 2 bad input, 4 nothing found within the limit.
    """
    import scheduling as sch
    from scheduling.instances.files import read_text, write, write_solution
    from scheduling.kubernetes.advice import advise
    from scheduling.kubernetes.commands import shell_script
    from scheduling.kubernetes.goals import with_goals
    from scheduling.kubernetes.snapshot import read_snapshot
    from scheduling.solvers.placement.ordering import order_steps
    from scheduling.storage import write_whole

    text, source = read_text(snapshot)
    found = read_snapshot(text, source)
    stated = found.problem.model_copy(update={"max_moves": max_moves})
    stated = with_goals(stated, goal) if goal else stated
    with LiveLine(quiet=json) as line:
        solution = sch.solve(
            stated,
            solver,
            time_limit=time_limit,
            workers=workers,
            seed=seed,
            on_progress=line.update,
        )
    if problem is not None:
        write(stated, problem)
    if output is not None:
        write_solution(solution, output)
    steps = order_steps(stated, solution)
    if commands is not None:
        write_whole(commands, shell_script(steps).encode())
    advice = advise(stated, solution)
    changes = _tried(stated, solution, time_limit, workers, seed) if what_if else []
    if json:
        emit_json(_record(solution, steps, advice, changes, found.notes))
    else:
        _show(stated, solution, steps, advice)
        _show_changes(changes, asked=what_if and bool(advice))
        for remark in found.notes:
            note(f"  note: {remark}")
    raise typer.Exit(EXIT_CODES[solution.status])


def _record(
    solution: PlacementSolution,
    steps: list[Step],
    advice: list[Advice],
    changes: list[Change],
    notes: tuple[str, ...],
) -> dict[str, Any]:
    return {
        **solution.model_dump(mode="json"),
        "steps": [step.model_dump(mode="json") for step in steps],
        "unplaced": [
            {
                "item": entry.item,
                "reasons": [{"nodes": count, "reason": why} for count, why in entry.reasons],
                "remedy": entry.remedy,
            }
            for entry in advice
        ],
        "changes": [asdict(change) for change in changes],
        "notes": list(notes),
    }


def _show(
    problem: PlacementProblem,
    solution: PlacementSolution,
    steps: list[Step],
    advice: list[Advice],
) -> None:
    pending = sum(item.node is None for item in problem.items)
    title = f"{len(problem.nodes)} nodes, {len(problem.items)} pods, {pending} pending"
    summary(solution, title)
    if steps:
        rows = [
            [str(k), step.action, step.item, step.origin or "", step.destination or "", step.reason]
            for k, step in enumerate(steps[:_SHOWN], 1)
        ]
        table(["step", "action", "pod", "from", "to", ""], rows, "plan")
        _more(len(steps))
    if advice:
        rows = [
            [
                entry.item,
                "; ".join(
                    f"{count} node{'s' * (count > 1)}: {why}" for count, why in entry.reasons
                ),
                entry.remedy or "",
            ]
            for entry in advice[:_SHOWN]
        ]
        table(["left out", "why", "what would help"], rows)
        _more(len(advice))


def _tried(
    problem: PlacementProblem,
    solution: PlacementSolution,
    time_limit: float,
    workers: int | None,
    seed: int,
) -> list[Change]:
    from scheduling.kubernetes.whatif import what_if

    return what_if(problem, solution, time_limit=time_limit, workers=workers, seed=seed)


def _show_changes(changes: list[Change], *, asked: bool) -> None:
    if changes:
        rows = [
            [
                change.change,
                str(len(change.admitted)),
                str(len(change.displaced)),
                str(change.disturbed),
                "yes" if change.proven else "no",
            ]
            for change in changes
        ]
        headers = ["what if", "admits", "displaces", "disturbs", "proven least"]
        table(headers, rows)
    elif asked:
        print("  no single change that was tried admits more pods")


def _more(count: int) -> None:
    if count > _SHOWN:
        print(f"  … and {count - _SHOWN} more; --json prints all")
