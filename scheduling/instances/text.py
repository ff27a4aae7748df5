"""Text of instance files: decoding, lines and integers, with a place for every fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scheduling.errors import InputError
from scheduling.models.schedule.problem import MAX_TIME

MAX_BYTES = 2**29
"""Largest file that is read: 512 MiB."""

MAX_COUNT = 10**6
"""Largest number of jobs, machines, tasks or resources that a header may announce."""

STANDARD_INPUT = "standard input"
"""What faults call a text that comes from no file."""

FRAGMENT = "#"
"""Stands between a file's name and the name or number of one of several instances in it."""

PACKED = ".gz"
"""Ending of files that gzip has packed."""

_DOS_END = "\x1a"


def decode(data: bytes, source: str) -> str:
    r"""Decode a file's bytes as UTF-8 text with ``\n`` line ends.

    A byte order mark at the start and a DOS end-of-file mark at the end are dropped.

    Raises
    ------
    InputError
        When the bytes are not text, or not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise InputError.single("file", f"{len(data)} bytes", f"at most {MAX_BYTES}", source)
    zero = data.find(b"\0")
    if zero >= 0:
        raise InputError.single(_line(data, zero), "a zero byte", "text, not binary data", source)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x}"
        place = _line(data, error.start)
        raise InputError.single(place, found, "text in UTF-8", source) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removesuffix("\n").removesuffix(_DOS_END)


def split_fragment(source: str) -> tuple[str, str | None]:
    """Split ``file#instance`` into the file's name and the instance, ``None`` without one."""
    file, mark, instance = source.rpartition(FRAGMENT)
    return (file, instance) if mark and file else (source, None)


def _line(data: bytes, position: int) -> str:
    newlines = data.count(b"\n", 0, position)
    return f"line {newlines + 1}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line that is neither blank nor a comment.

    Parameters
    ----------
    number
        Its number in the file, counted from 1.
    text
        Its text without white space around it.
    """

    number: int
    text: str


class Lines:
    """The lines of a file, taken one after the other.

    Parameters
    ----------
    text
        The file's text.
    source
        The file's name, for faults.
    comment
        Lines that start with this are skipped; blank ones always are.
    """

    def __init__(self, text: str, source: str | None, comment: str | None = None) -> None:
        self.source = source
        self._rows = list(_rows(text, comment))
        self._position = 0
        self._end = text.count("\n") + 1

    def peek(self) -> Row | None:
        """Return the next row without taking it; ``None`` at the end."""
        return self._rows[self._position] if self._position < len(self._rows) else None

    def take(self, expected: str) -> Row:
        """Take the next row; ``expected`` says what it should hold."""
        row = self.peek()
        if row is None:
            raise self.error(self._end, "the end of the file", expected)
        self._position += 1
        return row

    def finish(self) -> None:
        """Demand that nothing is left."""
        row = self.peek()
        if row is not None:
            raise self.error(row, excerpt(row.text), "the end of the file")

    def error(self, place: Row | int, found: str, expected: str) -> InputError:
        """Build the error for a fault in a line."""
        number = place.number if isinstance(place, Row) else place
        return InputError.single(f"line {number}", found, expected, self.source)

    def integers(
        self,
        row: Row,
        expected: str,
        *,
        count: int | None = None,
        low: int = 0,
        high: int = MAX_TIME,
    ) -> list[int]:
        """Return the row's numbers, all of them integers from ``low`` to ``high``.

        Parameters
        ----------
        row
            The row to split.
        expected
            What the row should hold, for faults.
        count
            How many numbers there must be; ``None`` allows any number.
        low, high
            Range of each number, both ends included.
        """
        parts = row.text.split()
        if count is not None and len(parts) != count:
            raise self.error(row, f"{len(parts)} entries", f"{count} numbers: {expected}")
        return self.numbers(row, parts, expected, low=low, high=high)

    def numbers(
        self, row: Row, parts: list[str], expected: str, *, low: int = 0, high: int = MAX_TIME
    ) -> list[int]:
        """Translate entries of a row, as :meth:`integers` does for the whole row."""
        try:
            values = list(map(int, parts))
        except ValueError:
            values = None
        plain = row.text.isascii() and "_" not in row.text
        if values is not None and plain and _inside(values, low, high):
            return values
        for part in parts:
            if not is_integer(part) or not low <= int(part) <= high:
                wanted = f"an integer from {low} to {high} ({expected})"
                raise self.error(row, excerpt(part), wanted)
        return [int(part) for part in parts]


def _inside(values: list[int], low: int, high: int) -> bool:
    return not values or (low <= min(values) and max(values) <= high)


def is_integer(part: str) -> bool:
    """Tell whether the text is a decimal integer of sane length, in ASCII digits."""
    digits = part.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 40


def is_number(part: str) -> bool:
    """Tell whether the text is a finite decimal number that is not negative."""
    whole, _, fraction = part.partition(".")
    return is_integer(whole) and not whole.startswith("-") and (not fraction or fraction.isdigit())


def excerpt(text: str) -> str:
    """Quote a piece of the input, shortened to fit a message."""
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


def head(text: str, rows: int = 12, comment: str | None = None) -> list[str]:
    """Return the first lines that are neither blank nor comments, for detecting formats."""
    found = []
    for row in _rows(text, comment):
        found.append(row.text)
        if len(found) == rows:
            break
    return found


def _rows(text: str, comment: str | None) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not (comment and stripped.startswith(comment)):
            yield Row(number, stripped)


def labelled(text: str, source: str | None, label: str) -> int | None:
    """Return the number of a comment line ``# label : number``; ``None`` without such a line.

    Raises
    ------
    InputError
        When there are several such lines that differ, or one without a positive integer.
    """
    found: set[int] = set()
    for row in _rows(text, None):
        name, colon, value = row.text.removeprefix("#").partition(":")
        if row.text.startswith("#") and colon and name.strip().lower() == label:
            number = value.strip()
            if not is_integer(number) or not 1 <= int(number) <= MAX_COUNT:
                expected = f"the number of {label}, from 1 to {MAX_COUNT}"
                raise InputError.single(f"line {row.number}", excerpt(number), expected, source)
            found.add(int(number))
            if len(found) > 1:
                place = f"line {row.number}"
                raise InputError.single(place, excerpt(row.text), f"one number of {label}", source)
    return found.pop() if found else None


def join_rows(rows: Iterable[Iterable[object]]) -> str:
    """Write rows of values, separated by blanks, one row a line."""
    return "".join(" ".join(map(str, row)) + "\n" for row in rows)
