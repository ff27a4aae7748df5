"""``python -m scheduling.cli`` runs the command line."""

from __future__ import annotations

from scheduling.cli import main

main()
