"""Bundled snapshots of clusters, and the text of a snapshot by its name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from scheduling.errors import InputError
from scheduling.instances.files import BUNDLED, read_text
from scheduling.instances.text import decode

_DATA = files("scheduling.kubernetes") / "data"


@cache
def snapshots() -> tuple[str, ...]:
    """Return the names of the bundled snapshots."""
    found = (entry.name for entry in _DATA.iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def is_bundled(file: str) -> bool:
    """Tell whether ``bundled:NAME`` names a snapshot."""
    return file.startswith(BUNDLED) and file.removeprefix(BUNDLED) in snapshots()


def snapshot_text(file: str) -> tuple[str, str]:
    """Return the text of a snapshot and the name to show for it.

    Parameters
    ----------
    file
        A file, ``"-"`` for standard input, or ``"bundled:NAME"`` for a bundled snapshot.

    Raises
    ------
    InputError
        When the file cannot be read, or no bundled snapshot has the name.
    """
    if not file.startswith(BUNDLED):
        return read_text(file)
    name = file.removeprefix(BUNDLED)
    if name not in snapshots():
        expected = f"a bundled snapshot: {', '.join(snapshots())}"
        raise InputError.single("snapshot", repr(file), expected)
    return decode((_DATA / f"{name}.json").read_bytes(), name), file
