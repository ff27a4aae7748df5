"""How a file's format is found out, from its name and what it holds."""

from __future__ import annotations

from pathlib import PurePath

from scheduling.errors import InputError
from scheduling.instances.format import Format
from scheduling.instances.formats import FORMATS, listed
from scheduling.instances.text import PACKED, split_fragment

_READ_AS = "or name it: --format, --from of convert, format= in Python"
_WRITTEN_AS = "or name it: --to of convert, --format of generate, format= in Python"


def detect(text: str, source: str) -> Format:
    """Find out a file's format from its name's ending and, where that is not enough, its content.

    An ending that stands for one format decides. Otherwise the content does, among the formats of
    that ending, or among all when the ending is unknown. A text with the ending of the project's
    own documents is one of them unless it says otherwise.

    Raises
    ------
    InputError
        When no format fits or several do; it lists the candidates.
    """
    named = by_suffix(split_fragment(source)[0].removesuffix(PACKED))
    if len(named) == 1:
        return named[0]
    candidates = named or FORMATS
    fitting = [candidate for candidate in candidates if candidate.sniff(text)]
    if len(fitting) == 1:
        return fitting[0]
    if named and named[0].family == "any" and not fitting:
        return named[0]
    found = "a text like several formats" if fitting else "a text like none of the formats"
    expected = f"one of: {listed(fitting or candidates)} ({_READ_AS})"
    raise InputError.single("line 1", found, expected, source)


def for_writing(source: str, kind: str) -> Format:
    """Return the format that a file name's ending stands for, the first of several.

    Raises
    ------
    InputError
        When the ending stands for no format; it lists those there are for problems of this kind.
    """
    named = by_suffix(source)
    if named:
        return named[0]
    suffix = PurePath(source).suffix
    found = f"the ending {suffix!r}" if suffix else "no ending"
    fitting = [one for one in FORMATS if one.family in (kind, "any")]
    expected = f"one of: {listed(fitting)} ({_WRITTEN_AS})"
    raise InputError.single("file name", found, expected, source)


def by_suffix(source: str) -> tuple[Format, ...]:
    """Return the formats that a file name's ending stands for."""
    suffix = PurePath(split_fragment(source)[0]).suffix.lower()
    return tuple(candidate for candidate in FORMATS if suffix in candidate.suffixes)
