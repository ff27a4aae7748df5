"""The registry of file formats, and how a file's format is found out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from scheduling.errors import InputError
from scheduling.instances import documents
from scheduling.instances.schedule import (
    flexible,
    jobshop,
    patterson,
    progenmax,
    progenmax_writer,
    project_writers,
    psplib,
    tardiness,
)
from scheduling.instances.text import split_fragment
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
    """

    name: str
    family: str
    suffixes: tuple[str, ...]
    summary: str
    sniff: Callable[[str], bool]
    read: Callable[[str, str | None], Problem]
    write: Callable[[Problem], str]
    spec: str


FORMATS: tuple[Format, ...] = (
    Format(
        "yaml",
        "any",
        (".yaml", ".yml"),
        "the project's own documents as YAML",
        documents.sniff_yaml,
        documents.read_yaml_problem,
        documents.write_yaml_problem,
        "JSON schema: scheduling schema KIND",
    ),
    Format(
        "json",
        "any",
        (".json",),
        "the project's own documents as JSON",
        documents.sniff_json,
        documents.read_json_problem,
        documents.write_json_problem,
        "JSON schema: scheduling schema KIND",
    ),
    Format(
        "jsplib",
        "schedule",
        (".jsp", ".jss"),
        "job shops as in JSPLIB and the DMU set, reentrant ones too",
        jobshop.sniff_jsplib,
        jobshop.read_jsplib,
        jobshop.write_jsplib,
        "https://github.com/tamy0612/JSPLIB",
    ),
    Format(
        "taillard",
        "schedule",
        (".jsp", ".jss"),
        "job shops in Taillard's layout with Times and Machines",
        jobshop.sniff_taillard,
        jobshop.read_taillard,
        jobshop.write_taillard,
        "http://mistic.heig-vd.ch/taillard/problemes.dir/ordonnancement.dir/ordonnancement.html",
    ),
    Format(
        "fjs",
        "schedule",
        (".fjs",),
        "flexible job shops as used by Brandimarte and Hurink",
        flexible.sniff_fjs,
        flexible.read_fjs,
        flexible.write_fjs,
        "https://people.idsia.ch/~monaldo/fjsp.html",
    ),
    Format(
        "psplib",
        "schedule",
        (".sm", ".mm"),
        "projects as in PSPLIB and MMLIB, single-mode and multi-mode",
        psplib.sniff_psplib,
        psplib.read_psplib,
        project_writers.write_psplib,
        "https://www.om-db.wi.tum.de/psplib/",
    ),
    Format(
        "patterson",
        "schedule",
        (".rcp",),
        "projects in Patterson's layout",
        patterson.sniff_patterson,
        patterson.read_patterson,
        project_writers.write_patterson,
        "https://www.projectmanagement.ugent.be/research/data",
    ),
    Format(
        "progenmax",
        "schedule",
        (".sch",),
        "projects with minimal and maximal time lags (RCPSP/max)",
        progenmax.sniff_progenmax,
        progenmax.read_progenmax,
        progenmax_writer.write_progenmax,
        "https://www.wiwi.tu-clausthal.de/en/ueber-uns/abteilungen/"
        "betriebswirtschaftslehre-insbesondere-produktion-und-logistik/research/research-areas/"
        "project-generator-progen/max-and-psp/max-library",
    ),
    Format(
        "wt",
        "schedule",
        (),
        "weighted tardiness of one machine as in the OR-Library; wt40.txt#17 is its 17th instance",
        tardiness.sniff_wt,
        tardiness.read_wt,
        tardiness.write_wt,
        "https://people.brunel.ac.uk/~mastjjb/jeb/orlib/wtinfo.html",
    ),
    Format(
        "sdt",
        "schedule",
        (),
        "total tardiness of one machine, a line with duration and due date a job",
        tardiness.sniff_sdt,
        tardiness.read_sdt,
        tardiness.write_sdt,
        "https://github.com/vtkindt/1-dj-Sum-Tj",
    ),
    Format(
        "tardiness-jsonl",
        "schedule",
        (".jsonl",),
        "tardiness of one machine, an instance a line with name, n, p, d and w",
        tardiness.sniff_jsonl,
        tardiness.read_jsonl,
        tardiness.write_jsonl,
        "fields of a line: name, n, p (durations), d (due dates), w (weights, 1 unless given)",
    ),
)


def by_name(name: str) -> Format:
    """Return the format of that name.

    Raises
    ------
    InputError
        When there is none; it lists those there are.
    """
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise InputError.single("format", repr(name), f"one of: {_list(FORMATS)}")


def detect(text: str, source: str) -> Format:
    """Find out a file's format from its name's ending and, where that is not enough, its content.

    An ending that stands for one format decides. Otherwise the content does, among the formats of
    that ending, or among all when the ending is unknown.

    Raises
    ------
    InputError
        When no format fits or several do; it lists the candidates.
    """
    named = by_suffix(source)
    if len(named) == 1:
        return named[0]
    candidates = named or FORMATS
    fitting = [candidate for candidate in candidates if candidate.sniff(text)]
    if len(fitting) == 1:
        return fitting[0]
    found = "a text like several formats" if fitting else "a text like none of the formats"
    expected = f"one of: {_list(fitting or candidates)} (name it with the option format)"
    raise InputError.single("line 1", found, expected, source)


def for_writing(source: str) -> Format:
    """Return the format that a file name's ending stands for, the first of several.

    Raises
    ------
    InputError
        When the ending stands for no format; it lists those there are.
    """
    named = by_suffix(source)
    if named:
        return named[0]
    suffix = PurePath(source).suffix
    found = f"the ending {suffix!r}" if suffix else "no ending"
    expected = f"one of: {_list(FORMATS)} (name it with the option format)"
    raise InputError.single("file name", found, expected, source)


def by_suffix(source: str) -> tuple[Format, ...]:
    """Return the formats that a file name's ending stands for."""
    suffix = PurePath(split_fragment(source)[0]).suffix.lower()
    return tuple(candidate for candidate in FORMATS if suffix in candidate.suffixes)


def _list(candidates: Sequence[Format]) -> str:
    return ", ".join(
        f"{candidate.name} ({' '.join(candidate.suffixes)})" for candidate in candidates
    )
