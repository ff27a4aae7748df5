"""What every problem family shares: statuses, certificates, frozen models and violations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Self, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import core_schema

from scheduling.errors import Fault, InputError

T = TypeVar("T")
S_co = TypeVar("S_co", covariant=True)

Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A tuple that may be given as a list; its elements stay strict."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=400)]
"""An identifier that a person chose."""

Number = int | float

_SHOWN = 60
"""Characters of what is no problem that a refusal shows."""


class Status(StrEnum):
    """What is known of an answer.

    ``OPTIMAL``: the objective equals its bound in every tier. ``FEASIBLE``: a valid solution with
    an open gap. ``INFEASIBLE``: proven that no solution exists. ``UNKNOWN``: none found in time.
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


class Frozen(BaseModel):
    """Immutable model that refuses unknown fields and implicit conversions.

    Raises
    ------
    InputError
        When it is built in Python, with every fault and its field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    if not TYPE_CHECKING:

        def __init__(self, /, **data: Any) -> None:
            try:
                super().__init__(**data)
            except ValidationError as error:
                raise InputError.from_pydantic(error) from None

        # Parts of a document are made without a call of this, as those of pydantic's own models.
        __init__.__pydantic_base_init__ = True

        @classmethod
        def model_validate(cls, *given: Any, **options: Any) -> Self:
            """Build one from plain data."""
            try:
                return super().model_validate(*given, **options)
            except ValidationError as error:
                raise InputError.from_pydantic(error) from None

        @classmethod
        def model_validate_json(cls, *given: Any, **options: Any) -> Self:
            """Build one from a JSON text."""
            try:
                return super().model_validate_json(*given, **options)
            except ValidationError as error:
                raise InputError.from_pydantic(error) from None


_WITHIN: ContextVar[bool] = ContextVar("within", default=False)
"""Whether a document is being validated, so that another one is a part of it."""


class Document(Frozen):
    """A model whose faults surface as one :class:`InputError`.

    Documents may stand in each other: those of a part count among the faults of the whole, with the
    place of the part before theirs.
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Put the collection of faults around everything, rules of the model included."""
        inner: dict[str, Any] = {**handler(source)}
        if inner.get("function", {}).get("function") == cls._collect_faults:
            return cast(core_schema.CoreSchema, inner)  # It stands there where others have a part.
        # The name under which other models refer to this one goes to what stands around it.
        name = inner.pop("ref", None)
        return core_schema.no_info_wrap_validator_function(
            cls._collect_faults, cast(core_schema.CoreSchema, inner), ref=name
        )

    @classmethod
    def _collect_faults(cls, data: Any, handler: Callable[[Any], Any]) -> Any:
        within = _WITHIN.get()
        token = _WITHIN.set(True)
        try:
            return handler(data)
        except InputError as error:
            if within:
                raise error.to_pydantic(cls.__name__) from None
            raise
        except ValidationError as error:
            if within:
                raise
            raise InputError.from_pydantic(error) from None
        finally:
            _WITHIN.reset(token)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = list(self._faults())
        if faults:
            raise InputError(faults)
        return self

    def _faults(self) -> Iterable[Fault]:
        """Return what is wrong although each field by itself is right."""
        return ()


class Problem(Document):
    """A typed problem; ``kind`` names its family and discriminates files."""

    kind: str
    name: str | None = Field(default=None, description="Name shown to people.")

    if TYPE_CHECKING:

        @property
        def _solved(self) -> Any: ...


class Solved(Protocol[S_co]):
    """A problem whose solutions are of type ``S_co``, in the eyes of type checkers alone.

    What is read from a file may be of any kind, and so may its solution.
    """

    @property
    def _solved(self) -> S_co: ...


def require_problem(given: object) -> Problem:
    """Refuse what is no problem, such as a file's name, with an :class:`InputError`."""
    if not isinstance(given, Problem):
        found = f"{type(given).__name__} {repr(given)[:_SHOWN]}"
        raise InputError.single("problem", found, "a problem, as scheduling.read returns it")
    return given


def relative_gap(objective: Number | None, bound: Number | None) -> float | None:
    """Distance between objective and bound, ``|o - b| / max(|o|, |b|)``; 0 when both are 0.

    Returns
    -------
    float or None
        ``None`` when either value is unknown.
    """
    if objective is None or bound is None:
        return None
    scale = max(abs(objective), abs(bound))
    return 0.0 if scale == 0 else abs(objective - bound) / scale


class TierValue(Frozen):
    """Value and bound of one tier of a lexicographic objective.

    A tier's bound holds given the values reached in the tiers before it.
    """

    name: str
    sense: str = Field(default="min", pattern="^(min|max)$")
    objective: Number | None = None
    bound: Number | None = None
    gap: float | None = None

    @property
    def closed(self) -> bool:
        """Whether the value is proven best possible."""
        return self.objective is not None and self.objective == self.bound


HistoryPoint = Annotated[tuple[float, Number | None, Number | None], Field(strict=False)]


class Solution(Document):
    """An answer with its certificate; families add their own fields.

    ``objective``, ``bound`` and ``gap`` are those of the first open tier (of the first tier when
    all are closed); ``None`` means unknown. ``seconds`` is wall time, ``history`` a list of
    ``(seconds, objective, bound)`` of the first open tier as the solve went on.
    """

    kind: str
    status: Status = Field(strict=False)
    objective: Number | None = None
    bound: Number | None = None
    gap: float | None = None
    tiers: Many[TierValue] = ()
    solver: str = ""
    seconds: float = Field(default=0.0, ge=0.0)
    history: Many[HistoryPoint] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a solution breaks its problem's definition.

    Parameters
    ----------
    constraint
        Which rule: ``"capacity"``, ``"precedence"``, ``"deadline"``, ``"objective"``, …
    where
        The entities concerned, in the user's own names.
    amount
        By how much, in ``unit``; ``None`` when the rule is yes-or-no.
    unit
        Unit of ``amount``: ``"time units"``, ``"units"``, ….
    """

    constraint: str
    where: str
    amount: Number | None = None
    unit: str | None = None

    def __str__(self) -> str:
        by = f" by {self.amount} {self.unit or ''}".rstrip() if self.amount is not None else ""
        return f"{self.constraint}: {self.where}{by}"


def certificate_fields(tiers: Sequence[TierValue]) -> dict[str, Any]:
    """Fields of the answer's summary: those of the first open tier, else of the first tier."""
    shown = next((tier for tier in tiers if not tier.closed), tiers[0])
    return {
        "tiers": tuple(tiers),
        "objective": shown.objective,
        "bound": shown.bound,
        "gap": shown.gap,
    }


def one_tier(name: str, value: Number, bound: Number | None) -> dict[str, Any]:
    """Return status, values and gap of an answer to a problem with one objective to minimise.

    Parameters
    ----------
    name
        Of the objective.
    value, bound
        What is reached, and what nothing can go below; ``None``: unknown.
    """
    gap = relative_gap(value, bound)
    tier = TierValue(name=name, objective=value, bound=bound, gap=gap)
    status = Status.OPTIMAL if tier.closed else Status.FEASIBLE
    return {"status": status, **certificate_fields([tier])}
