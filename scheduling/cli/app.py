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
from scheduling.cli.manual import GROUPS, MANUALS, Verb
from scheduling.cli.output import fail
from scheduling.errors import CheckError, SchedulingError, SolverError

EXIT_VIOLATIONS = 1
EXIT_BAD_INPUT = 2

_UsageError: Any = typer.BadParameter.__base__
"""What a wrong call raises, of whichever click typer carries."""

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

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; where standard error takes JSON alone, a wrong call is a record too."""
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            if not logs.structured():
                raise
            where = (error.ctx or ctx).command_path
            fail(f"{where}: {error.format_message()}")
            raise typer.Exit(EXIT_BAD_INPUT) from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs under headings instead of in one list."""
        del ctx
        width = max(map(len, MANUALS))
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{x:<{width}}", MANUALS[x].summary) for x in names])


app = typer.Typer(
    name="scheduling",
    cls=Verbs,
    help="State scheduling problems as files, solve them with a bound, check the answers.",
    epilog="Example: scheduling solve bundled:workshop --gantt workshop.html",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


_FUNCTIONS: dict[str, Callable[..., None]] = {
    "solve": solve.solve,
    "pareto": pareto.pareto,
    "check": check.check,
    "explain": explain.explain,
    "info": files.info,
    "convert": files.convert,
    "schema": files.schema,
    "generate": generate.generate,
    "simulate": simulate.simulate,
    "trace": trace.trace,
    "bench": bench.bench,
    "plan": plan.plan,
    "pods": pods.pods,
    "extender": extender.extender,
    "profile": profile.profile,
    "report": report.report,
    "config": config.config,
    "doctor": doctor.doctor,
    "reproduce": reproduce.reproduce,
}

for _name, _manual in MANUALS.items():
    app.command(_name, cls=Verb, short_help=_manual.summary)(_FUNCTIONS[_name])


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
