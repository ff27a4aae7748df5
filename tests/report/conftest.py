"""What tests of reports share: a browser, and calls of the command line."""

from __future__ import annotations

from collections.abc import Iterator

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
