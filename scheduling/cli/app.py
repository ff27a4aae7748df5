"""The verbs in one application, and the translation of errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from scheduling.cli import (
    bench,
    check,
    completing,
    config,
    doctor,
    explain,
    extender,
    files,
    generate,
    logs,
    pareto,
    plan,
    pods,
    profile,
    report,
    reproduce,
    settings,
    simulate,
    solve,
    trace,
)
from scheduling.cli.output import fail
from scheduling.errors import CheckError, SchedulingError, SolverError

EXIT_VIOLATIONS = 1
EXIT_BAD_INPUT = 2

_REPAIRS = ("config", "doctor")
"""Verbs that tell what is wrong with the settings."""


class Verbs(TyperGroup):
    """The verbs; each is run with the defaults that files and the environment set."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the verb, and its defaults: help and repairs do without them."""
        name, command, words = super().resolve_command(ctx, args)
        if not ctx.resilient_parsing and name not in _REPAIRS and "--help" not in words:
            settings.apply(ctx, str(name), command, words)
        return name, command, words


app = typer.Typer(
    name="scheduling",
    cls=Verbs,
    help="State scheduling problems as files, solve them with a bound, check the answers.",
    epilog="Example: scheduling solve bundled:workshop --gantt workshop.html",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _verb(name: str, function: Callable[..., None], summary: str, example: str) -> None:
    """Make a function a verb; the summary stands in the list of verbs, whole on one line."""
    app.command(name, short_help=summary, epilog=example)(function)


_verb(
    "solve", solve.solve, "Solve an instance and bound how far it is from the best.", solve.EXAMPLE
)
_verb(
    "pareto",
    pareto.pareto,
    "Find the trade-offs between the tiers of an objective.",
    pareto.EXAMPLE,
)
_verb("check", check.check, "Check a solution independently, whoever made it.", check.EXAMPLE)
_verb(
    "explain",
    explain.explain,
    "Name a smallest set of constraints that cannot all hold.",
    explain.EXAMPLE,
)
_verb(
    "info",
    files.info,
    "Show what is in an instance, and the bounds by formula.",
    files.INFO_EXAMPLE,
)
_verb(
    "convert",
    files.convert,
    "Translate an instance from one format to another.",
    files.CONVERT_EXAMPLE,
)
_verb(
    "schema",
    files.schema,
    "Print the JSON schema of a kind's files or solutions.",
    files.SCHEMA_EXAMPLE,
)
_verb(
    "generate",
    generate.generate,
    "Generate an instance from parameters and a seed.",
    generate.EXAMPLE,
)
_verb(
    "simulate",
    simulate.simulate,
    "Run policies that see only what has come by now.",
    simulate.EXAMPLE,
)
_verb("trace", trace.trace, "Show, fit or draw a trace of requests.", trace.EXAMPLE)
_verb("bench", bench.bench, "Run suites of instances; show each solver's gaps.", bench.EXAMPLE)
_verb("plan", plan.plan, "Plan a serving fleet, and say what binds.", plan.EXAMPLE)
_verb("pods", pods.pods, "Place the pending pods of a cluster's snapshot.", pods.EXAMPLE)
_verb(
    "extender",
    extender.extender,
    "Answer kube-scheduler from a plan that is kept up to date.",
    extender.EXAMPLE,
)
_verb("profile", profile.profile, "Measure operators on the GPU that is present.", profile.EXAMPLE)
_verb(
    "report", report.report, "Write one HTML page of results, to hover and filter.", report.EXAMPLE
)
_verb(
    "config",
    config.config,
    "Show the defaults of options and where each comes from.",
    config.EXAMPLE,
)
_verb("doctor", doctor.doctor, "Show what works here: engines, extras, machine.", doctor.EXAMPLE)
_verb(
    "reproduce",
    reproduce.reproduce,
    "Run published systems beside their published figures.",
    reproduce.EXAMPLE,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"scheduling {version('scheduling')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    log_level: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="Log to standard error: debug, info, warning or error.",
            autocompletion=logs.levels,
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="Log as text, or as json: one object a line, and nothing else there.",
            autocompletion=logs.formats,
        ),
    ] = None,
) -> None:
    """State scheduling problems as files, solve them with a bound, check the answers."""
    level, format_ = settings.logging_of(context, log_level, log_format)
    logs.configure(level, format_)
    context.meta[logs.CHOSEN] = level, format_


def run() -> None:
    """Run the application; every error of the library ends in one message and an exit code."""

    def start() -> None:
        app(prog_name="scheduling")

    try:
        if not completing.complete_in_bash(start):
            start()
    except (CheckError, SolverError) as error:
        fail(str(error))
        sys.exit(EXIT_VIOLATIONS)
    except SchedulingError as error:
        fail(str(error))
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        fail("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_BAD_INPUT)
