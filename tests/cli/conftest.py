"""Calls of the command line inside the test's process, and a scenario of requests for them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scheduling.cli import main

SCENARIO = """
kind: requests
name: chat
replica:
  cost: {base_seconds: 0.005, per_token_seconds: 4.0e-05, per_kv_seconds: 3.0e-08}
  kv_tokens: 6400
replicas: 2
max_sequences: 32
workload:
  classes:
    - name: chat
      arrivals: {kind: poisson, rate: 12.0}
      prompt: {kind: lognormal, median: 300, sigma: 0.8, at_most: 2000}
      output: {kind: lognormal, median: 120, sigma: 0.7, at_most: 800}
    - name: search
      arrivals: {kind: poisson, rate: 2.0}
      prompt: {kind: fixed, tokens: 1500}
      output: {kind: fixed, tokens: 20}
requests: 200
slo: {ttft_seconds: 0.5, tpot_seconds: 0.03}
slos:
  search: {ttft_seconds: 2.0}
"""


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


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path
