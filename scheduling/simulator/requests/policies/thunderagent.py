"""ThunderAgent: programs are paused and resumed so that all contexts of active ones fit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policy import Provenance, Sending
from scheduling.simulator.requests.programs import Phase, Programs, demanded

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live

_RESERVE = 100
_FORCED_NS = 1800 * NS_PER_SECOND


def smallest_first(tokens: Sequence[int], excess: int) -> list[int]:
    """Return the programs that are paused: those of the least context until the excess is gone."""
    chosen = []
    for number in sorted(range(len(tokens)), key=lambda number: (tokens[number], number)):
        if excess <= 0:
            break
        chosen.append(number)
        excess -= tokens[number]
    return chosen


class ThunderAgent:
    """Pauses programs whose contexts do not fit, every 5 s; the calls of paused ones are held back.

    ThunderAgent, released code: an active program counts with its context and 100 tokens more. At
    every tick paused programs are resumed while there is room (those with a call beyond their first
    one, then new ones, then those in a tool, each by ascending context), the largest first onto the
    instance with most room; then each instance whose active programs do not fit pauses those in a
    tool, smallest context first, and after them those in a call, which are paused when it ends. A
    program that is paused for 1800 s is resumed in any case. A new program begins at once where it
    fits. Only instances count that its latest call may go to.
    """

    name = "thunderagent"
    provenance: Provenance = "code"
    period_ns = 5 * NS_PER_SECOND

    def __init__(self) -> None:
        self._programs: Programs | None = None
        self._fleet: Sequence[Instance] = ()
        self._home: dict[int, Instance] = {}
        self._places: dict[int, Sequence[Instance]] = {}
        self._paused: dict[int, int] = {}
        self._marked: set[int] = set()
        self._held: dict[int, list[Live]] = {}

    def begin(self, programs: Programs | None, fleet: Sequence[Instance]) -> None:
        """Look at a run that begins.

        Raises
        ------
        InputError
            When the requests belong to no programs.
        """
        self._programs = demanded(programs, "thunderagent")
        self._fleet = fleet

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the instance of the program, or that with most room."""
        del now
        program = self._of(request)
        home = self._home.get(program)
        if home is None or home not in candidates:
            home = self._home[program] = max(candidates, key=self._room)
        return home

    def admits(self, request: Live, now: int) -> bool:
        """Hold back the calls of paused programs, and new programs that fit nowhere."""
        program = self._of(request)
        self._places[program] = request.places
        if program in self._marked:
            self._pause(program, now)
        if program not in self._home and program not in self._paused:
            most = max(request.places, key=self._room)
            if self._room(most) >= request.prompt + _RESERVE or not self._beside(program):
                self._home[program] = most
            else:
                self._paused[program] = now
        if program in self._paused:
            self._held.setdefault(program, []).append(request)
            return False
        return True

    def tick(self, now: int) -> Sequence[Sending]:
        """Resume what fits, then pause what does not."""
        self._forget()
        sent = self._resume(now)
        for instance in self._fleet:
            self._relieve(instance, now)
        return sent

    # Inside.

    def _of(self, request: Live) -> int:
        return request.row if self._programs is None else self._programs.of(request.row)

    def _tokens(self, program: int) -> int:
        known = 0 if self._programs is None else self._programs.tokens[program]
        waits = self._held.get(program)
        return max([known, *(request.prompt for request in waits or ())]) + _RESERVE

    def _reasons(self, program: int) -> bool:
        return self._programs is None or self._programs.phase[program] == Phase.REASONING

    def _room(self, instance: Instance) -> int:
        used = sum(self._tokens(program) for program, at in self._home.items() if at is instance)
        return instance.memory.capacity * instance.memory.block_size - used

    def _beside(self, program: int, but: Collection[int] = ()) -> int:
        """Return how many active programs are at the places of one, but for some."""
        places = self._places[program]
        return sum(at in places for one, at in self._home.items() if one not in but)

    def _forget(self) -> None:
        """Drop programs that have ended, and pause marked ones whose call has."""
        if self._programs is None:
            return
        for program in [*self._home]:
            if self._programs.phase[program] == Phase.ENDED:
                del self._home[program], self._places[program]
                self._marked.discard(program)

    def _pause(self, program: int, now: int) -> None:
        self._marked.discard(program)
        self._home.pop(program, None)
        self._paused[program] = now

    def _rank(self, program: int) -> tuple[int, int, int]:
        turns = 1 if self._programs is None else self._programs.turns[program]
        kind = 2 if program not in self._held else 0 if turns > 1 else 1
        return kind, self._tokens(program), program

    def _resume(self, now: int) -> list[Sending]:
        free = {instance.index: max(0, self._room(instance)) for instance in self._fleet}
        chosen: list[int] = []
        given: set[int] = set()
        for program in sorted(self._paused, key=self._rank):
            tokens = self._tokens(program)
            places = [instance.index for instance in self._places[program]]
            late = now - self._paused[program] >= _FORCED_NS
            fits = tokens <= sum(free[place] for place in places)
            if fits or late or (given.isdisjoint(places) and not self._beside(program)):
                chosen.append(program)
                given.update(places)
                for place in places:
                    taken = min(tokens, free[place])
                    free[place] -= taken
                    tokens -= taken
        sent = []
        for program in sorted(chosen, key=lambda one: (-self._tokens(one), one)):
            del self._paused[program]
            self._home[program] = max(self._places[program], key=self._room)
            sent += [
                Sending(request, self.choose(request.places, request, now))
                for request in self._held.pop(program, [])
            ]
        return sent

    def _relieve(self, instance: Instance, now: int) -> None:
        """Pause programs of an instance until the rest fits."""
        excess = -self._room(instance)
        here = [program for program, at in self._home.items() if at is instance]
        excess -= sum(self._tokens(program) for program in here if program in self._marked)
        for reasoning in (False, True):
            if excess <= 0:
                return
            kind = [
                program
                for program in here
                if self._reasons(program) == reasoning and program not in self._marked
            ]
            tokens = [self._tokens(program) for program in kind]
            for place in smallest_first(tokens, excess):
                # One program goes on, however large it is.
                if self._beside(kind[place], self._marked) <= 1:
                    return
                if reasoning:
                    self._marked.add(kind[place])
                else:
                    self._pause(kind[place], now)
                excess -= tokens[place]
