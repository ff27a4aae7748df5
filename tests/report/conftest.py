"""What tests of reports share: a browser, a folder to be in, and calls of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import cli
from tests.report.chromium import ADVICE, Browser, find_chromium

__all__ = ["cli", "shared_browser"]


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Browser]:
    """Open a browser once for all tests of a module."""
    program = find_chromium()
    if program is None:
        pytest.skip(ADVICE)
    with Browser(program) as browser:
        yield browser


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
