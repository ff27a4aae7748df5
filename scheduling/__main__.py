"""``python -m scheduling`` runs the command line, also where its script is not on the path."""

from __future__ import annotations

from scheduling.cli import main

main()
