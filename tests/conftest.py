"""Settings and fixtures that every test shares."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from scheduling.solvers.warmup import kernels_first

# A busy machine must not fail a property, so no profile has a deadline. In CI the examples are the
# same on every run; at a desk they differ, to find more.
_NO_CLOCK = [HealthCheck.too_slow]
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=_NO_CLOCK)
settings.register_profile("dev", deadline=None, suppress_health_check=_NO_CLOCK)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session", autouse=True)
def _kernels_first() -> Iterator[None]:
    """Compile what a solve may call before its clock runs.

    What is expected of searches within seconds is expected of machines that ran them before.
    """
    with kernels_first():
        yield


def pytest_collectstart() -> None:
    """Look for no garbage among what lives to the end."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Let garbage be collected again, without the modules and tests."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs the public benchmark data where there is none."""
    if item.get_closest_marker("shared") is not None:
        _data_folder()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the public benchmark data; skips the test where there is none."""
    return _data_folder()


def _data_folder() -> Path:
    folder = os.environ.get("SCHEDULING_DATA")
    if not folder:
        pytest.skip("SCHEDULING_DATA is not set")
    path = Path(folder)
    if not path.is_dir():
        pytest.skip(f"SCHEDULING_DATA names no folder: {folder}")
    return path


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Listen to interrupts also where the tests run behind a shell that ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
