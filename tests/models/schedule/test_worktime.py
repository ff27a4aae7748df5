"""Working times against speeds that are counted moment by moment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.schedule.worktime import Row, Run, Shifts, combine
from tests.properties import examples

FAR = 400
"""So many moments are counted one by one."""


@st.composite
def rows(draw: st.DrawFn, end: int) -> tuple[Row, ...]:
    cuts = sorted(draw(st.sets(st.integers(0, end), max_size=4)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return tuple((a, b, draw(st.sampled_from([0, 0, 30, 50, 100, 200]))) for a, b in pairs)


@st.composite
def shifts(draw: st.DrawFn) -> Shifts:
    period = draw(st.sampled_from([1, 3, 4, 6, 8]))
    periodic = draw(rows(period))
    return Shifts(draw(rows(20)), period if periodic else 1, periodic)


calendars_ = st.lists(shifts(), min_size=1, max_size=2)


def speeds(calendars: list[Shifts]) -> list[int]:
    """Speed of each moment, straight from the windows."""
    found = []
    for time in range(FAR):
        least = []
        for entry in calendars:
            covering = [e for a, b, e in entry.once if a <= time < b]
            covering += [e for a, b, e in entry.periodic if a <= time % entry.period < b]
            least.append(min(covering, default=100))
        found.append(min(least))
    return found


def counted_end(speed: list[int], start: int, duration: int, *, pausing: bool) -> int | None:
    work = 100 * duration
    if speed[start] == 0:
        return None
    for time in range(start, FAR):
        if speed[time] == 0 and not pausing:
            return None
        work -= speed[time]
        if work <= 0:
            return time + 1
    return None


@given(calendars_)
@examples(100)
def test_work_and_segments(calendars: list[Shifts]) -> None:
    worktime, speed = combine(calendars), speeds(calendars)
    for time in range(60):
        assert worktime.work.at(time) == sum(speed[:time])
        start, end, value = worktime.segment(time)
        assert start <= time
        assert end is None or time < end
        assert all(speed[t] == value for t in range(start, min(end or FAR, FAR)))
    closed = {t for a, b in worktime.closed_between(3, 70) for t in range(a, b)}
    assert closed == {t for t in range(3, 70) if speed[t] == 0}


@given(calendars_, st.integers(1, 6), st.booleans())
@examples(150)
def test_runs(calendars: list[Shifts], duration: int, pausing: bool) -> None:
    worktime, speed = combine(calendars), speeds(calendars)
    run = worktime.run(duration, pausing=pausing)
    ends = [counted_end(speed, start, duration, pausing=pausing) for start in range(150)]
    allowed = [start for start, end in enumerate(ends) if end is not None]
    for low in range(80):
        assert run.next_start(low) == next((s for s in allowed if s >= low), None)
    for high in range(0, 80, 7):
        assert run.last_start(high) == max((s for s in allowed if s <= high), default=None)
    for end in range(1, 60):
        work = [sum(speed[start : end - 1]) for start in range(end + 1)]
        assert run.ends_after(end) == next(
            s for s, done in enumerate(work) if done < 100 * duration
        )
    found = {
        s: piece.end(s) for piece in run.pieces(5, 90) for s in range(piece.first, piece.last + 1)
    }
    assert found == {s: ends[s] for s in allowed if 5 <= s <= 90}
    check_spans(run, ends, allowed)


def check_spans(run: Run, ends: list[int | None], allowed: list[int]) -> None:
    """Pieces of one period say it all away from the zones, and lengths and waits are bounds."""
    period = run.worktime.period
    for start in range(90):
        if any(low <= start <= high for low, high in run.zones):
            continue
        mine = [piece for piece in run.regular if piece.first <= start % period <= piece.last]
        moved = [piece.end(start % period) + start - start % period for piece in mine]
        assert moved == ([] if ends[start] is None else [ends[start]])
    for start in allowed:
        assert run.shortest <= (ends[start] or 0) - start <= run.longest
    for time in range(run.worktime.last_change, run.worktime.last_change + 30):
        following = next((start for start in allowed if start >= time), None)
        assert following is None or following - time <= run.wait


def test_many_one_off_breaks_are_no_crowd() -> None:
    breaks = tuple((2016 * week, 2016 * week + 500, 0) for week in range(260))
    run = combine([Shifts(breaks, 1, ())]).run(90, pausing=True)
    assert run.crowd < 5000
    assert run.longest == 590


def test_numbers_far_away_cost_nothing() -> None:
    week = combine([Shifts((), 168, ((0, 6, 0), (120, 168, 0)))])
    run = week.run(10**7, pausing=True)
    far = 10**12
    start = run.next_start(far)
    assert start is not None
    end = run.finish(start)
    assert end is not None
    assert week.work.at(end) - week.work.at(start) == 10**9
    assert len(run.regular) <= 4
