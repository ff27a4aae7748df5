"""What the exact formulations share: pairs of a tensor and a step in which it is live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.tiers.arrays import AWAY, Flags, Ints, TieredArrays


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries one after the other, those of a tensor in a row.

    Attributes
    ----------
    tensor, step
        Of each entry.
    follows
        Whether the next entry is the same tensor's next step.
    open_
        Whether the tensor may be in each memory then, (entries, memories).
    copies
        Whether a copy to each memory may arrive during this step, (entries, memories).
    room
        What is left of each memory without the tensors that have it as home.
    """

    tensor: Ints
    step: Ints
    follows: Flags
    open_: Flags
    copies: Flags
    room: Ints

    def memories(self, arrays: TieredArrays, chosen: Ints) -> Ints:
        """Return a candidate from the memory of each entry."""
        found = np.full((arrays.n_tensors, arrays.n_steps), AWAY, np.int64)
        found[self.tensor, self.step] = chosen
        return found


def entries_of(arrays: TieredArrays) -> Entries:
    """List the entries of a problem."""
    tensor, step = np.nonzero(arrays.live)
    follows = np.append(tensor[1:] == tensor[:-1], False)
    home = arrays.home[tensor]
    elsewhere = np.arange(arrays.n_memories)[None, :] != home[:, None]
    open_ = ~(elsewhere & (home != AWAY)[:, None] & (step == 0)[:, None])
    copies = elsewhere & follows[:, None] & (arrays.link > 0)
    room = arrays.capacity.copy()
    held = arrays.home != AWAY
    np.subtract.at(room, arrays.home[held], arrays.size[held])
    return Entries(tensor, step, follows, open_, copies, room)
