"""What a file format is: how it is told, read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from scheduling.errors import InputError
from scheduling.instances.text import MAX_COUNT, is_integer
from scheduling.models.base import Problem


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Parameters
    ----------
    name
        Name on the command line.
    family
        Kind of problems it holds; ``"any"`` for the project's own documents.
    suffixes
        File name endings that stand for it, in lower case with the dot.
    summary
        One line for people.
    sniff
        Tells whether a text starts like this format.
    read
        Translates a text into a problem; the second argument is the file's name for faults.
    write
        Translates a problem into a text.
    spec
        Where the format is described.
    number
        What a number after the name stands for, as in ``stg:4``; the reader then takes it as a
        third argument. Formats without a parameter have none.
    most
        Largest such number.
    """

    name: str
    family: str
    suffixes: tuple[str, ...]
    summary: str
    sniff: Callable[[str], bool]
    read: Callable[[str, str | None], Problem]
    write: Callable[[Problem], str]
    spec: str
    number: str = ""
    most: int = MAX_COUNT

    def __str__(self) -> str:
        """Its name, with the number that may follow and its endings, as shown in lists."""
        name = f"{self.name}[:{self.number}]" if self.number else self.name
        return f"{name} ({' '.join(self.suffixes)})" if self.suffixes else name

    def numbered(self, number: str) -> Format:
        """Return it with its parameter fixed.

        Raises
        ------
        InputError
            When that is no number from 1 to ``most``.
        """
        if not is_integer(number) or not 1 <= int(number) <= self.most:
            expected = f"the number of {self.number}, from 1 to {self.most}, after {self.name}:"
            raise InputError.single("format", repr(number), expected)
        read = partial(self.read, **{self.number: int(number)})
        return replace(self, name=f"{self.name}:{number}", read=read)
