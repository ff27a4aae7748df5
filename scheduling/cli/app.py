"""The verbs in one application, and the translation of errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, NoReturn

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
from scheduling.cli.pipes import quiet_when_closed
from scheduling.cli.settings_files import load
from scheduling.cli.settings_layers import Settings
from scheduling.cli.stopping import EXIT_STOPPED, INTERRUPTED, end
from scheduling.errors import CheckError, InputError, SchedulingError, SolverError

EXIT_VIOLATIONS = 1
EXIT_BAD_INPUT = 2

_UsageError: Any = typer.BadParameter.__base__
"""What a wrong call raises, of whichever click typer carries."""

_REPAIRS = ("config", "doctor")
"""Verbs that tell what is wrong with the settings."""


class Verbs(TyperGroup):
    """The verbs; each is run with the defaults that files and the environment set."""

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **more: Any) -> Any:
        """Read what stands before the verb; a wrong option there is told as the logs ask for."""
        words = list(args)  # They are taken out of the list.
        with quiet_when_closed():
            try:
                return super().make_context(info_name, args, parent, **more)
            except _UsageError as error:
                if not words:
                    raise  # It shows the help.
                _tell(error, typer.Context(self, info_name=info_name), _format_in(words))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the verb, and its defaults: help and repairs do without them."""
        name, command, words = super().resolve_command(ctx, args)
        if not ctx.resilient_parsing and name not in _REPAIRS and "--help" not in words:
            settings.apply(ctx, str(name), command, words)
        return name, command, words

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; where standard error takes JSON alone, a wrong call is a record too."""
        with quiet_when_closed():
            try:
                return super().invoke(ctx)
            except _UsageError as error:
                _tell(error, error.ctx or ctx, ctx.params.get("log_format"))
            except KeyboardInterrupt:
                end(INTERRUPTED)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs under headings instead of in one list."""
        del ctx
        width = max(map(len, MANUALS))
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{x:<{width}}", MANUALS[x].summary) for x in names])


def _tell(error: Any, context: Any, format_: str | None) -> NoReturn:
    """Say what is wrong with a call, as a record where one is asked for, and end."""
    if not logs.structured():
        with suppress(InputError):  # Settings that cannot be read ask for nothing.
            context.find_root().obj = load(settings.verbs_of(context))
            logs.configure(*settings.logging_of(context.find_root(), None, format_))
    if not logs.structured():
        raise error
    fail(f"{context.command_path}: {error.format_message()}")
    raise typer.Exit(EXIT_BAD_INPUT) from None


def _format_in(words: list[str]) -> str | None:
    """Return the format of logs that a call asks for, of which not all could be read."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == "--log-format":
            return value if equals else following
    return None


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
    chosen = {"log-level": log_level, "log-format": log_format}
    unset = [option for option, value in chosen.items() if value is None]
    with settings.blamed(context.obj or Settings(), None, unset):
        logs.configure(level, format_)
    context.meta[logs.CHOSEN] = level, format_


def run() -> None:
    """Run the application; every error of the library ends in one message and an exit code."""
    with quiet_when_closed():
        try:
            if not completing.complete_in_bash(_start):
                _start()
        except (CheckError, SolverError) as error:
            fail(str(error))
            sys.exit(EXIT_VIOLATIONS)
        except SchedulingError as error:
            fail(str(error))
            sys.exit(EXIT_BAD_INPUT)
        except KeyboardInterrupt:
            fail(INTERRUPTED)
            sys.exit(EXIT_STOPPED)


def _start() -> None:
    application()(prog_name="scheduling")


@cache
def application() -> Any:
    """Return the verbs with all their options; building them takes a while, once a process."""
    return typer.main.get_command(app)
