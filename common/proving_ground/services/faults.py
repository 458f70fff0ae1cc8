"""Scripted faults: which request goes wrong, and how. Read from a JSON file, a list of objects::

    [{"path": "chat", "request": 3, "fault": "status", "status": 429, "retry_after": "2"},
     {"path": "chat", "every": 5, "fault": "reset_middle"}]

``request`` counts the POSTs of a path from 0 since the gateway started; ``every`` N is the N-th, 2N-th ...
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from proving_ground.errors import CannotRunError

PathName: TypeAlias = Literal["chat", "preview"]


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    path: PathName
    request: Annotated[int, Field(ge=0)] | None = None
    every: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "_Fault":
        if (self.request is None) == (self.every is None):
            raise ValueError("give either request or every")
        return self

    def hits(self, path: str, number: int) -> bool:
        """Whether this is about request ``number`` (from 0) of ``path``."""
        if path != self.path:
            return False
        return number == self.request if self.every is None else (number + 1) % self.every == 0


class StatusFault(_Fault):
    """An error status, with the API's own body unless one is given; nothing is asked of the policy."""

    fault: Literal["status"]
    status: Annotated[int, Field(ge=400, le=599)]
    retry_after: str | None = None
    message: str = "scripted fault"
    body: dict[str, Any] | None = None


class BrokenFault(_Fault):
    """The connection is reset when the request has been read, or when half of the body has been sent; or a
    200 whose body is that half, and says that this is its length.
    """

    fault: Literal["reset_before", "reset_middle", "truncated_json"]


class SlowFault(_Fault):
    """Silence for ``seconds``, then the answer; or the head at once, and the body in drops over ``seconds``;
    or the head and half of the body at once, and the rest after ``seconds``.
    """

    fault: Literal["slow_first_byte", "slow_body", "stalled_body"]
    seconds: Annotated[float, Field(gt=0, le=3600)]


class WrongSchema(_Fault):
    """A 200 with a JSON object that is not what the API documents."""

    fault: Literal["wrong_schema"]
    body: dict[str, Any] = Field(default_factory=lambda: {"choices": [], "results": None})


class ErrorIn200(_Fault):
    """A 200 with an error inside."""

    fault: Literal["error_in_200"]
    code: Annotated[int, Field(ge=400, le=599)] = 503
    message: str = "scripted fault"


Fault: TypeAlias = Annotated[
    StatusFault | BrokenFault | SlowFault | WrongSchema | ErrorIn200, Field(discriminator="fault")
]

_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


def read_faults(path: Path) -> list[Fault]:
    """The faults scripted in ``path``; raises ``CannotRunError`` naming the entry and what is wrong."""
    try:
        return _FAULTS.validate_json(path.read_bytes())
    except OSError as error:
        raise CannotRunError(f"{path}: cannot read it ({error.strerror or error})") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "the whole"
        raise CannotRunError(f"{path}: {place}: {problem['msg']}") from None
