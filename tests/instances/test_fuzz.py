"""Damaged files: an InputError that names file and place, or a problem that says what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.instances import choosing, formats
from scheduling.instances.files import read
from scheduling.instances.text import decode
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import ScheduleProblem
from tests.instances.samples import DOCUMENTS, SAMPLES, numbers, stated
from tests.instances.shop_samples import SAME_LAYOUT, VIEWS

NUMERIC = [key for key, (name, _) in SAMPLES.items() if name not in DOCUMENTS]
ALSO_READS = {
    "yaml": {"json"},
    "jsplib": VIEWS,
    "jsplib-blocking": {"jsplib", "jsplib-operators", "jsplib-blocking-noswap"},
    "jsplib-blocking-noswap": {"jsplib", "jsplib-operators", "jsplib-blocking"},
    **dict.fromkeys(SAME_LAYOUT, SAME_LAYOUT),
}
"""Formats that take files of others: a wider syntax, or the same numbers with another meaning."""
TOKEN = re.compile(r"\S+")
JUNK = [
    *("x", "nan", "inf", "-1", "0", "1e3", "1.5", "99999999999999999999", "[", "]", "[1]", "[-2]"),
    *("-", "--", "****", "{", "}", ":", "#", "\t", "\u00e9", "\u0663", "\ufeff", "\x0b", "\x85"),
]


def outcome(name: str, text: str) -> Problem | None:
    """Read a text; on InputError check that it names file and place, and return None."""
    try:
        return formats.by_name(name).read(text, "broken.file")
    except InputError as error:
        message = str(error)
    for line in message.splitlines():
        assert re.match(r"broken\.file: (line \d+|document|… and)", line), line
    return None


def damaged_tokens(text: str) -> Iterator[str]:
    """Yield the text with each token dropped and with each token doubled."""
    for match in TOKEN.finditer(text):
        yield text[: match.start()] + text[match.end() :]
        yield text[: match.end()] + " " + text[match.start() :]


def damaged_lines(text: str) -> Iterator[str]:
    """Yield the text cut off before each line, and with each line dropped and doubled."""
    lines = text.splitlines(keepends=True)
    for index in range(len(lines)):
        yield "".join(lines[:index])
        yield "".join(lines[:index] + lines[index + 1 :])
        yield "".join(lines[: index + 1] + lines[index:])


@pytest.mark.parametrize("sample", NUMERIC)
def test_a_lost_or_doubled_piece_is_never_taken_for_another_problem(sample: str) -> None:
    name, text = SAMPLES[sample]
    whole = outcome(name, text)
    assert whole is not None
    refused = 0
    for broken in [*damaged_tokens(text), *damaged_lines(text)]:
        problem = outcome(name, broken)
        refused += problem is None
        assert problem is None or problem == whole, broken
    assert refused > 10


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a sample with up to three mutations of tokens, lines or characters."""
    name, text = SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))]
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["token", "swap tokens", "swap lines", "cut", "char"]))
        spots = [match.span() for match in TOKEN.finditer(text)]
        lines = text.split("\n")
        if kind == "token" and spots:
            start, end = draw(st.sampled_from(spots))
            filler = draw(st.sampled_from(JUNK) | st.integers(-9, 99).map(str))
            text = text[:start] + filler + text[end:]
        elif kind == "swap tokens" and len(spots) > 1:
            first, second = sorted(draw(st.tuples(*[st.sampled_from(spots)] * 2)))
            if first != second:
                one, two = text[slice(*first)], text[slice(*second)]
                text = text[: first[0]] + two + text[first[1] : second[0]] + one + text[second[1] :]
        elif kind == "swap lines":
            i, j = draw(st.tuples(*[st.integers(0, len(lines) - 1)] * 2))
            lines[i], lines[j] = lines[j], lines[i]
            text = "\n".join(lines)
        elif kind == "cut":
            text = text[: draw(st.integers(0, len(text)))]
        else:
            spot = draw(st.integers(0, len(text)))
            text = text[:spot] + draw(st.characters(codec="utf-8")) + text[spot:]
    return name, text


@given(mutations())
@example(("rcpsp-cpr", SAMPLES["cpr"][1].replace("\n0 0 0 0", "\n0 0 4 0", 1)))
@example(("rcpsp-cpr", SAMPLES["cpr"][1].replace(" 2 2 3\n", " 2 2 2\n", 1)))
def test_a_mutated_file_is_refused_or_read_to_the_letter(case: tuple[str, str]) -> None:
    name, text = case
    problem = outcome(name, text)
    if problem is None or name in DOCUMENTS:
        return
    assert isinstance(problem, ScheduleProblem)
    if name == "psplib":  # successors beyond their count or rows out of place would show here
        assert sorted(stated(name, problem)) == sorted(numbers(name, text)) or "\x85" in text
    elif text.isascii() and not set(text) & set("\x0b\x0c\x1c\x1d\x1e"):
        assert stated(name, problem) == numbers(name, text)


@given(st.binary(max_size=300), st.sampled_from([".jsp", ".fjs", ".sm", ".rcp", ".sch", ".yaml"]))
def test_any_bytes_are_refused_or_read(data: bytes, suffix: str) -> None:
    source = f"bytes{suffix}"
    try:
        text = decode(data, source)
        choosing.detect(text, source).read(text, source)
    except InputError as error:
        message = str(error)
        named = message.startswith(source)
    else:
        named = True
    assert named


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("reader", [entry.name for entry in formats.FORMATS])
def test_files_of_another_format_are_refused(sample: str, reader: str) -> None:
    name, text = SAMPLES[sample]
    problem = outcome(reader, text)
    if reader == name or name in ALSO_READS.get(reader, ()):
        assert problem is not None
    else:
        assert problem is None


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("jsplib", "jsp/ft06.txt"),
        ("jsplib", "jsp/la01.txt"),
        ("fjs", "fjsp/mk01.fjs"),
        ("fjs", "fjsp/kacem4.fjs"),
        ("psplib", "rcpsp/j30/j301_5.sm"),
        ("psplib", "mrcpsp/j10/j1016_2.mm"),
        ("progenmax", "rcpsp_max/ubo10/psp15.sch"),
    ],
)
def test_lost_pieces_of_published_files(name: str, file: str, shared_data: Path) -> None:
    path = shared_data / file
    whole, text = read(path), path.read_text()
    for broken in [*damaged_tokens(text), *damaged_lines(text)]:
        try:
            problem = formats.by_name(name).read(broken, str(path))
        except InputError:
            continue
        assert problem == whole, broken
