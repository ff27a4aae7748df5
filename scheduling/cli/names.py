"""Names that the shell completes, gathered from the registries into a file that is read at once.

The registries load numpy and more, which takes longer than a person waits for a key.
``python -m scheduling.cli.names`` writes the file anew; a test demands that it is up to date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("names.json")


def gather() -> dict[str, Any]:
    """Return all names by what they name, from the registries themselves."""
    from scheduling.instances import bundled
    from scheduling.instances.formats import FORMATS
    from scheduling.instances.generators import GENERATORS
    from scheduling.instances.kinds import kinds
    from scheduling.planner.emit import RUNTIMES
    from scheduling.simulator.checkpoint.simulate import PLANS
    from scheduling.simulator.edge.registry import POLICIES as EDGE
    from scheduling.simulator.requests.registry import STRATEGIES
    from scheduling.simulator.schedule.registry import POLICIES
    from scheduling.simulator.sharing.registry import POLICIES as SHARING
    from scheduling.solvers.registry import families

    instances = {name: entry.summary for name, entry in bundled.catalogue().items()}
    fleets = dict.fromkeys(bundled.fleets(), "fleet to plan")
    return {
        "formats": {one.name: one.summary for one in FORMATS},
        "generators": {name: one.summary for name, one in GENERATORS.items()},
        "instances": {**instances, **fleets},
        "kinds": sorted(kinds()),
        "policies": sorted({*POLICIES, *STRATEGIES, *SHARING, *EDGE, *PLANS}),
        "runtimes": list(RUNTIMES),
        "solvers": {family.kind: sorted(family.solvers) for family in families()},
    }


def write() -> None:
    """Write the file."""
    from scheduling.storage import write_whole

    text = json.dumps(gather(), ensure_ascii=False, indent=1, sort_keys=True)
    write_whole(FILE, f"{text}\n".encode())


if __name__ == "__main__":
    write()
