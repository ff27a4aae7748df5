"""Output that nobody reads to its end: calls end quietly, as other tools do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scheduling.cli.pipes import EXIT_CLOSED, quiet_when_closed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of other systems")


def closed_pipe() -> int:
    """Return the end of a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["info", "--help"],
        ["info", "bundled:ft06"],
        ["info", "bundled:ft06", "--json"],
        ["generate", "job-shop", "-p", "jobs=60", "-p", "machines=60"],
    ],
)
def test_a_reader_that_is_gone_ends_a_call_quietly(tmp_path: Path, words: list[str]) -> None:
    writer = closed_pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "scheduling", *words],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            env={**os.environ, "XDG_CONFIG_HOME": os.devnull},
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (EXIT_CLOSED, b"")


def test_other_pipes_that_break_are_errors() -> None:
    with pytest.raises(BrokenPipeError), quiet_when_closed():
        os.write(closed_pipe(), b"to a worker")
