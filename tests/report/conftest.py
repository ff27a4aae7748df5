"""What tests of reports share with those of the command line."""

from __future__ import annotations

from tests.cli.conftest import cli

__all__ = ["cli"]
