"""Calls of the command line inside the test's process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from scheduling.cli import main


@dataclass(frozen=True)
class Call:
    """What a call of the command line left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Cli = Callable[..., Call]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Call ``scheduling`` with arguments and return exit code and output."""

    # Settings of whoever runs the tests are none of theirs.
    monkeypatch.setenv("XDG_CONFIG_HOME", os.devnull)

    def call(*arguments: object) -> Call:
        monkeypatch.setattr(sys, "argv", ["scheduling", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        texts = capsys.readouterr()
        assert "Traceback" not in texts.err
        return Call(int(stop.value.code or 0), texts.out, texts.err)

    return call
