"""What an API view takes and answers, written beside it; the OpenAPI document is made of this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.gateway.guard import JSON

View = TypeVar("View", bound=Callable[..., Any])
_DESCRIPTION = "fhir_backpain_description"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or of the header, and its JSON Schema."""

    name: str
    what: str
    schema: Mapping[str, Any]
    where: Literal["query", "header"] = "query"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what it says, as which media type; `schema` names a component."""

    what: str
    schema: str | None = None
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Description:
    """What a view takes and answers.

    `bodies` names a component for each media type of the body. `problems` are the statuses of
    OperationOutcomes beside those that every view may answer with.
    """

    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    bodies: Mapping[str, str] = field(default_factory=dict)
    needs_body: bool = True
    problems: tuple[int, ...] = ()


def described(
    answers: Mapping[int, Answer],
    *,
    parameters: tuple[Parameter, ...] = (),
    bodies: Mapping[str, str] | None = None,
    needs_body: bool = True,
    problems: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """Write a description beside a view."""
    found = Description(answers, parameters, bodies or {}, needs_body, problems)

    def mark(view: View) -> View:
        setattr(view, _DESCRIPTION, found)
        return view

    return mark


def description_of(view: Callable[..., Any]) -> Description | None:
    """Return the description of a view, None where it has none and is no part of the API."""
    found: Description | None = getattr(view, _DESCRIPTION, None)
    return found


def fhir_answer_of(what: str, schema: str = "Resource") -> Answer:
    """Return the description of an answer that is a resource."""
    return Answer(what, schema, FHIR_JSON)
