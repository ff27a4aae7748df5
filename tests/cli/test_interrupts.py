"""Ctrl-C at any moment of a call: one line, the code of an interrupt, no trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import typer

from scheduling.cli import app, files, main, stopping
from tests.cli.conftest import Cli


def interrupted(*_: object, **__: object) -> Iterator[None]:
    raise KeyboardInterrupt


def test_while_a_verb_works(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "table", interrupted)
    call = cli("info", "bundled:ft06")
    assert (call.code, call.out) == (stopping.EXIT_STOPPED, "")
    assert call.err == "error: interrupted\n"


def test_before_the_verbs_are_known(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    app.application.cache_clear()
    monkeypatch.setattr(typer.main, "get_command", interrupted)
    call = cli("info", "bundled:ft06")
    assert (call.code, call.err) == (stopping.EXIT_STOPPED, "error: interrupted\n")


def test_while_the_command_line_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        """Finds no module: one thinks better of it while it looks."""

        find_spec = staticmethod(interrupted)

    monkeypatch.delitem(sys.modules, "scheduling.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Slow(), *sys.meta_path])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == stopping.EXIT_STOPPED
