"""Taillard's generator of job shops, and the seeds of his 80 published instances.

Taillard (1993), "Benchmarks for basic scheduling problems", European Journal of Operational
Research 64(2), 278-285. Random numbers come from the linear congruential generator
``x <- 16807 x mod (2**31 - 1)``; durations are uniform on 1 … 99, and each job's machines are
shuffled by swapping every position with a later one.
"""

from __future__ import annotations

from scheduling.errors import InputError
from scheduling.instances.schedule.assemble import machines, shop_jobs
from scheduling.models.schedule.problem import ScheduleProblem

MODULUS = 2**31 - 1
_MULTIPLIER = 16807
_LONGEST = 99

_SEEDS: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {
    (15, 15): (
        (840612802, 398197754),
        (1314640371, 386720536),
        (1227221349, 316176388),
        (342269428, 1806358582),
        (1603221416, 1501949241),
        (1357584978, 1734077082),
        (44531661, 1374316395),
        (302545136, 2092186050),
        (1153780144, 1393392374),
        (73896786, 1544979948),
    ),
    (20, 15): (
        (533484900, 317419073),
        (1894307698, 1474268163),
        (874340513, 509669280),
        (1124986343, 1209573668),
        (1463788335, 529048107),
        (1056908795, 25321885),
        (195672285, 1717580117),
        (961965583, 1353003786),
        (1610169733, 1734469503),
        (532794656, 998486810),
    ),
    (20, 20): (
        (1035939303, 773961798),
        (5997802, 1872541150),
        (1357503601, 722225039),
        (806159563, 1166962073),
        (1902815253, 1879990068),
        (1503184031, 1850351876),
        (1032645967, 99711329),
        (229894219, 1158117804),
        (823349822, 108033225),
        (1297900341, 489486403),
    ),
    (30, 15): (
        (98640593, 1981283465),
        (1839268120, 248890888),
        (573875290, 2081512253),
        (1670898570, 788294565),
        (1118914567, 1074349202),
        (178750207, 294279708),
        (1549372605, 596993084),
        (798174738, 151685779),
        (553410952, 1329272528),
        (1661531649, 1173386294),
    ),
    (30, 20): (
        (1841414609, 1357882888),
        (2116959593, 1546338557),
        (796392706, 1230864158),
        (532496463, 254174057),
        (2020525633, 978943053),
        (524444252, 185526083),
        (1569394691, 487269855),
        (1460267840, 1631446539),
        (198324822, 1937476577),
        (38071822, 1541985579),
    ),
    (50, 15): (
        (17271, 718939),
        (660481279, 449650254),
        (352229765, 949737911),
        (1197518780, 166840558),
        (1376020303, 483922052),
        (2106639239, 955932362),
        (1765352082, 1209982549),
        (1105092880, 1349003108),
        (907248070, 919544535),
        (2011630757, 1845447001),
    ),
    (50, 20): (
        (8493988, 2738939),
        (1991925010, 709517751),
        (342093237, 786960785),
        (1634043183, 973178279),
        (341706507, 286513148),
        (320167954, 1411193018),
        (1089696753, 298068750),
        (433032965, 1589656152),
        (615974477, 331205412),
        (236150141, 592292984),
    ),
    (100, 20): (
        (302034063, 1203569070),
        (1437643198, 1692025209),
        (1792475497, 1039908559),
        (1647273132, 1012841433),
        (696480901, 1689682358),
        (1785569423, 1092647459),
        (117806902, 739059626),
        (1639154709, 1319962509),
        (2007423389, 749368241),
        (682761130, 262763021),
    ),
}


class Lehmer:
    """Taillard's source of random numbers.

    Parameters
    ----------
    seed
        State before the first number, from 1 to 2**31 - 2.
    """

    def __init__(self, seed: int) -> None:
        self._state = seed

    def between(self, low: int, high: int) -> int:
        """Return a random integer from ``low`` to ``high``, both included."""
        self._state = _MULTIPLIER * self._state % MODULUS
        # The published instances rest on this rounding of a double.
        return low + int(self._state / MODULUS * (high - low + 1))


def taillard_job_shop(
    jobs: int, machine_count: int, time_seed: int, machine_seed: int, name: str | None = None
) -> ScheduleProblem:
    """Generate a job shop in which every job visits every machine once.

    Parameters
    ----------
    jobs, machine_count
        Size.
    time_seed, machine_seed
        Seeds of the durations and of the machine orders, from 1 to 2**31 - 2.
    name
        Name of the problem.
    """
    times, swaps = Lehmer(time_seed), Lehmer(machine_seed)
    durations = [[times.between(1, _LONGEST) for _ in range(machine_count)] for _ in range(jobs)]
    pairs = [list(zip(_order(swaps, machine_count), row, strict=True)) for row in durations]
    return ScheduleProblem.model_validate(
        {"name": name, "resources": machines(machine_count), "jobs": shop_jobs(pairs)}
    )


def _order(swaps: Lehmer, count: int) -> list[int]:
    order = list(range(count))
    for position in range(count):
        other = swaps.between(position, count - 1)
        order[position], order[other] = order[other], order[position]
    return order


def taillard_names() -> tuple[str, ...]:
    """Return ``ta01`` … ``ta80``."""
    return tuple(f"ta{number:02}" for number in range(1, 81))


def taillard_seeds(number: int) -> tuple[int, int, int, int]:
    """Return jobs, machines, time seed and machine seed of the published instance ``number``.

    Raises
    ------
    InputError
        When the number is not from 1 to 80.
    """
    if not 1 <= number <= 80:
        raise InputError.single("number", str(number), "a number from 1 to 80")
    size = tuple(_SEEDS)[(number - 1) // 10]
    return *size, *_SEEDS[size][(number - 1) % 10]
