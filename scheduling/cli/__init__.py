"""The command line: ``scheduling VERB …``."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the entry point of the ``scheduling`` command."""
    try:
        from scheduling.cli.app import run
    except KeyboardInterrupt:  # Loading takes a moment, in which one may think better of it.
        raise SystemExit(130) from None
    run()
