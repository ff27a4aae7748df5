"""The command line: ``scheduling VERB …``."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the entry point of the ``scheduling`` command."""
    from scheduling.cli.app import run

    run()
