"""Random robotic cells: flow shops whose jobs robots carry from station to station."""

from __future__ import annotations

from scheduling.instances.schedule.random_shops import flow_shop
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.robots import with_robots

SOURCE, SINK = "in", "out"


def robot_cell(
    *,
    jobs: int = 6,
    machines: int = 4,
    robots: int = 1,
    shortest: int = 10,
    longest: int = 60,
    step: int = 2,
    handling: int = 2,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a robotic cell: a flow shop without buffers whose jobs are carried by robots.

    The stations stand in a line between a place where all jobs wait and one where they leave. A
    job keeps its station until a robot picks it up, and a robot puts it down only where no other
    job stands: nothing is swapped.

    Parameters
    ----------
    jobs, machines, robots
        Size.
    shortest, longest
        Processing times are uniform between them, both included.
    step
        Travel time between neighbouring stations.
    handling
        Time to pick a job up, and to put it down.
    seed
        Seed of the random numbers.
    """
    shop = flow_shop(jobs=jobs, machines=machines, shortest=shortest, longest=longest, seed=seed)
    fields = shop.model_dump()
    fields["jobs"] = [{**job, "blocking": True} for job in fields["jobs"]]
    blocking = ScheduleProblem.model_validate({**fields, "swap": False})
    places = [SOURCE, *(machine.id for machine in shop.resources), SINK]
    travel = {
        (one, other): step * abs(i - j)
        for i, one in enumerate(places)
        for j, other in enumerate(places)
    }
    cell = with_robots(
        blocking,
        [f"R{number}" for number in range(1, robots + 1)],
        travel,
        load=handling,
        unload=handling,
        source=SOURCE,
        sink=SINK,
    )
    name = f"robot cell {jobs}x{machines} robots {robots} seed {seed}"
    return cell.model_copy(update={"name": name})
