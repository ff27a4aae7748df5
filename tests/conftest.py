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
from tests.properties import THOROUGH, examples

# A busy machine must not fail a property, so it has no deadline.
settings.register_profile(
    "tests",
    examples(100, deadline=None, suppress_health_check=[HealthCheck.too_slow]),
    derandomize=not THOROUGH,
)
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def _kernels_first() -> Iterator[None]:
    """Compile what a solve may call before its clock runs.

    What is expected of searches within seconds is expected of machines that ran them before.
    """
    with kernels_first():
        yield


@pytest.fixture(scope="module")
def patient() -> Iterator[None]:
    """Wait for searches that were told to end, however busy the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scheduling.solvers.driver._Run._grace", lambda _: 60.0)
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
