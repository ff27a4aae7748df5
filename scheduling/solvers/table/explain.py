"""What binds an order of a table: what each field saves, and what it is worth beside the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from scheduling.models.table.problem import TableProblem
from scheduling.models.table.solution import TableSolution
from scheduling.solvers.binding import BindingExplanation, Change, explain_binding
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Label

_FIELDS = 5
"""Most fields of which something is said, and most changes of each kind."""


def explain_table(problem: TableProblem, budget: Budget) -> BindingExplanation:
    """Say which repeated cells are shared, and what fields and spellings are worth."""
    return explain_binding(problem, budget, _binds, _changes)


def _shared(problem: TableProblem, solution: TableSolution) -> Counter[str]:
    """Count by field the cells that a line has in common with the line before, where it begins."""
    place = {name: number for number, name in enumerate(problem.fields)}
    found: Counter[str] = Counter()
    for before, line in pairwise(solution.lines):
        for field, other in zip(line.fields, before.fields, strict=True):
            texts = (problem.rows[row][place[field]] for row in (before.row, line.row))
            if field != other or len(set(texts)) > 1:
                break
            found[field] += 1
    return found


def _repeated(problem: TableProblem) -> Counter[str]:
    """Count by field the cells whose text has been there in a row before."""
    columns = zip(*problem.rows, strict=True)
    return Counter(
        {
            name: len(texts) - len(set(texts))
            for name, texts in zip(problem.fields, columns, strict=True)
        }
    )


def _binds(problem: TableProblem, solution: TableSolution) -> list[str]:
    repeated, shared = _repeated(problem), _shared(problem, solution)
    said = f"{shared.total()} of {repeated.total()} repeated cells are shared with the line before"
    lost = sorted(repeated, key=lambda name: shared[name] - repeated[name])
    names = [name for name in lost if repeated[name] > shared[name]][:_FIELDS]
    rows = [f"{repeated[name] - shared[name]} of {repeated[name]} in {name!r}" for name in names]
    more = "Not shared, as rows that have them are apart or begin otherwise"
    return [f"{said}.", *([f"{more}: {', '.join(rows)}."] if rows else [])]


def _changes(problem: TableProblem, solution: TableSolution) -> list[Change[TableProblem]]:
    return [*_spellings(problem), *_without(problem, solution)]


def _spellings(problem: TableProblem) -> Iterator[Change[TableProblem]]:
    """Yield fields some of whose texts differ in capitals and blanks alone."""
    columns = list(zip(*problem.rows, strict=True))
    found = 0
    for place, (name, texts) in enumerate(zip(problem.fields, columns, strict=True)):
        plain = tuple(" ".join(text.split()).lower() for text in texts)
        fewer = len(set(texts)) - len(set(plain))
        if fewer and found < _FIELDS:
            found += 1
            changed = [*columns[:place], plain, *columns[place + 1 :]]
            words = f"{name!r} without capitals and extra blanks, {_texts(fewer)} fewer"
            rows = tuple(zip(*changed, strict=True))
            yield Change(
                Label("spelling", (name,), words), problem.model_copy(update={"rows": rows})
            )


def _texts(count: int) -> str:
    return f"{count} text{'s' * (count > 1)}"


def _without(problem: TableProblem, solution: TableSolution) -> Iterator[Change[TableProblem]]:
    """Yield fields to leave out, those first whose cells are shared most."""
    if len(problem.fields) == 1:
        return
    shared = _shared(problem, solution)
    for name in sorted(problem.fields, key=lambda name: -shared[name])[:_FIELDS]:
        place = problem.fields.index(name)
        fields = problem.fields[:place] + problem.fields[place + 1 :]
        rows = tuple(row[:place] + row[place + 1 :] for row in problem.rows)
        changed = problem.model_copy(update={"fields": fields, "rows": rows})
        yield Change(Label("field", (name,), f"without {name!r}"), changed)
