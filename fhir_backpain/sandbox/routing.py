"""Which interaction a method and path mean: one table, which the CapabilityStatement reads too.

FHIR: http://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fhir_backpain.sandbox.exchange import Answer, Interaction
from fhir_backpain.sandbox.history import history_instance, history_system, history_type
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.interactions import (
    create,
    delete,
    delete_conditional,
    read,
    update,
    update_conditional,
    vread,
)
from fhir_backpain.sandbox.messages import UNKNOWN_INTERACTION, UNKNOWN_TYPE
from fhir_backpain.sandbox.search import search_type
from fhir_backpain.sandbox.search_parameters import RESOURCE_TYPES
from fhir_backpain.sandbox.store import Session

Level = Literal["type", "system"]


@dataclass(frozen=True, slots=True)
class Route:
    """An interaction: its method, its path with ``{}`` for what varies, and who answers.

    `code` is the FHIR restful interaction; None for a variant of another route.
    """

    method: str
    path: tuple[str, ...]
    level: Level
    code: str | None
    handler: Callable[..., Answer]
    writes: bool = False

    def fits(self, path: tuple[str, ...]) -> bool:
        """True where `path` has the shape of this route."""
        return len(path) == len(self.path) and all(
            want in ("{}", got) for want, got in zip(self.path, path, strict=True)
        )

    def variables(self, path: tuple[str, ...]) -> list[str]:
        """Return the parts of `path` that stand at the places of ``{}``."""
        return [got for want, got in zip(self.path, path, strict=True) if want == "{}"]


ROUTES: tuple[Route, ...] = (
    Route("GET", ("_history",), "system", "history-system", history_system),
    Route("GET", ("{}",), "type", "search-type", search_type),
    Route("POST", ("{}", "_search"), "type", None, search_type),
    Route("GET", ("{}", "_history"), "type", "history-type", history_type),
    Route("POST", ("{}",), "type", "create", create, writes=True),
    Route("PUT", ("{}",), "type", None, update_conditional, writes=True),
    Route("DELETE", ("{}",), "type", None, delete_conditional, writes=True),
    Route("GET", ("{}", "{}"), "type", "read", read),
    Route("PUT", ("{}", "{}"), "type", "update", update, writes=True),
    Route("DELETE", ("{}", "{}"), "type", "delete", delete, writes=True),
    Route("GET", ("{}", "{}", "_history"), "type", "history-instance", history_instance),
    Route("GET", ("{}", "{}", "_history", "{}"), "type", "vread", vread),
)


def find_route(method: str, path: tuple[str, ...]) -> Route:
    """Return the route of a request.

    Raises InteractionError 404 for an unknown type or path, 405 (with Allow) for a method that
    the path does not have.
    """
    fitting = [route for route in ROUTES if route.fits(path)]
    literal = [route for route in fitting if "{}" not in route.path]
    if fitting and not literal and path[0] not in RESOURCE_TYPES:
        text = "This server has no such resource type."
        raise InteractionError.of(404, UNKNOWN_TYPE, text)
    # A literal part wins over a variable one: Type/_search is no resource with that id.
    fitting = literal or _most_literal(fitting)
    if not fitting:
        raise InteractionError.of(404, UNKNOWN_INTERACTION, "This server has no such path.")
    method = "GET" if method == "HEAD" else method
    for route in fitting:
        if route.method == method:
            return route
    allow = ", ".join(sorted({route.method for route in fitting}))
    text = f"{method} is not supported here; {allow} is."
    raise InteractionError.of(405, UNKNOWN_INTERACTION, text, headers={"Allow": allow})


def perform(session: Session, request: Interaction) -> Answer:
    """Carry out one interaction within a session (a writing one where the route writes)."""
    route = find_route(request.method, request.path)
    return route.handler(session, request, *route.variables(request.path))


def _most_literal(routes: list[Route]) -> list[Route]:
    fewest = min((route.path.count("{}") for route in routes), default=0)
    return [route for route in routes if route.path.count("{}") == fewest]
