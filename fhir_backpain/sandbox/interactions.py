"""The interactions on one resource: read, create, update, delete, plain and conditional.

FHIR: http://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.outcome import Issue, Message
from fhir_backpain.sandbox.exchange import Answer, Interaction
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import (
    DELETED_DONE,
    DELETED_RESOURCE,
    INVALID_ID,
    UNKNOWN_RESOURCE,
    VERSION_CONFLICT,
    WRITTEN_DONE,
    WRONG_BODY,
)
from fhir_backpain.sandbox.parameters import parse_query
from fhir_backpain.sandbox.references import check_references
from fhir_backpain.sandbox.search import find_one
from fhir_backpain.sandbox.search_index import ID_PATTERN
from fhir_backpain.sandbox.store import Session, Version


def read(session: Session, request: Interaction, resource_type: str, resource_id: str) -> Answer:
    """Answer GET Type/id; 304 where If-None-Match names the current version."""
    return _shown(request, session.current(resource_type, resource_id))


def vread(
    session: Session, request: Interaction, resource_type: str, resource_id: str, number: str
) -> Answer:
    """Answer GET Type/id/_history/n."""
    plain = number.isascii() and number.isdigit() and len(number) < 16
    found = session.version(resource_type, resource_id, int(number)) if plain else None
    return _shown(request, found)


def create(session: Session, request: Interaction, resource_type: str) -> Answer:
    """Answer POST Type; If-None-Exist makes it a conditional create."""
    resource = typed_body(request, resource_type)
    if request.if_none_exist is not None:
        found = find_one(session, request, resource_type, parse_query(request.if_none_exist))
        if found is not None:
            return written(request, 200, found)
    return _store(session, request, resource, new_id(), "POST")


def update(session: Session, request: Interaction, resource_type: str, resource_id: str) -> Answer:
    """Answer PUT Type/id; an unknown id is created, a deleted one comes back."""
    resource = typed_body(request, resource_type)
    check_id(resource_id)
    if resource.get("id") != resource_id:
        text = "The resource's id is not the id in the URL."
        raise InteractionError.of(400, WRONG_BODY, text, expression=f"{resource_type}.id")
    check_if_match(request, session.current(resource_type, resource_id))
    return _store(session, request, resource, resource_id, "PUT")


def update_conditional(session: Session, request: Interaction, resource_type: str) -> Answer:
    """Answer PUT Type?criteria."""
    resource = typed_body(request, resource_type)
    resource_id = conditional_target(session, request, resource)
    check_if_match(request, session.current(resource_type, resource_id))
    return _store(session, request, {**resource, "id": resource_id}, resource_id, "PUT")


def conditional_target(session: Session, request: Interaction, resource: dict[str, Any]) -> str:
    """Return the id that a conditional update goes to: the match, the body's own or a new one."""
    resource_type = resource["resourceType"]
    found = find_one(session, request, resource_type, request.parameters)
    own = resource.get("id")
    if found is None:
        if own is None:
            return new_id()
        check_id(own)
        if session.exists(resource_type, own):
            text = "The criteria match nothing, yet the resource's id is already in use."
            raise InteractionError.of(409, VERSION_CONFLICT, text)
        return str(own)
    if own not in (None, found.id):
        text = "The resource's id is not the id of the resource that the criteria match."
        raise InteractionError.of(400, WRONG_BODY, text, expression=f"{resource_type}.id")
    return found.id


def delete(session: Session, request: Interaction, resource_type: str, resource_id: str) -> Answer:
    """Answer DELETE Type/id; deleting what is not there is no error."""
    current = session.current(resource_type, resource_id)
    check_if_match(request, current)
    return _deleted(session, request, current)


def delete_conditional(session: Session, request: Interaction, resource_type: str) -> Answer:
    """Answer DELETE Type?criteria for at most one match."""
    found = find_one(session, request, resource_type, request.parameters)
    check_if_match(request, found)
    return _deleted(session, request, found)


def typed_body(request: Interaction, resource_type: str) -> dict[str, Any]:
    """Return the body, which must be a resource of the type in the URL with sound basics."""
    resource = request.body
    if resource is None:
        raise InteractionError.of(400, WRONG_BODY, f"A {resource_type} is needed as the body.")
    if resource.get("resourceType") != resource_type:
        text = f"The body's resourceType is not {resource_type}."
        raise InteractionError.of(400, WRONG_BODY, text, expression="resourceType")
    if not isinstance(resource.get("meta", {}), dict):
        text = "The element meta is not an object."
        raise InteractionError.of(400, WRONG_BODY, text, expression=f"{resource_type}.meta")
    return resource


def check_id(resource_id: Any) -> None:
    """Raise InteractionError 400 unless `resource_id` is a FHIR id."""
    if not isinstance(resource_id, str) or not re.fullmatch(ID_PATTERN, resource_id):
        raise InteractionError.of(400, INVALID_ID, "The id is not a FHIR logical id.")


def check_if_match(request: Interaction, current: Version | None) -> None:
    """Raise InteractionError 412 where If-Match names another version than the current one."""
    if request.if_match is None:
        return
    here = current is not None and not current.deleted
    wanted = [tag.strip() for tag in request.if_match.split(",")]
    if here and current is not None and ("*" in wanted or current.version_id in map(_tag, wanted)):
        return
    now = f"version {current.number}" if here and current is not None else "no live version"
    text = f"If-Match names another version: the server has {now}."
    raise InteractionError.of(request.quirks.conflict_status, VERSION_CONFLICT, text)


def new_id() -> str:
    """Return a logical id that the server assigns."""
    return str(uuid.uuid4())


def written(request: Interaction, status: int, version: Version) -> Answer:
    """Return the answer to a write, with the body that Prefer asks for."""
    issue = WRITTEN_DONE.issue(f"The server holds version {version.number} of the resource.")
    content = version.content
    if request.returning == "OperationOutcome":
        content = outcome_text((issue,))
    elif request.returning == "minimal":
        content = None
    return Answer(status, content, version, wrote=True, issues=(issue,))


def _tag(text: str) -> str:
    return text.removeprefix("W/").strip('"')


def _shown(request: Interaction, version: Version | None) -> Answer:
    if version is None:
        raise _gone(404, UNKNOWN_RESOURCE, "There is no such resource or version.")
    if version.deleted:
        error = _gone(410, DELETED_RESOURCE, "The resource was deleted.")
        error.headers["ETag"] = version.etag
        raise error
    if request.if_none_match is not None:
        known = [_tag(tag.strip()) for tag in request.if_none_match.split(",")]
        if version.version_id in known or "*" in known:
            return Answer(304, None, version)
    return Answer(200, version.content, version)


def _gone(status: int, message: Message, text: str) -> InteractionError:
    return InteractionError.of(status, message, text)


def _store(
    session: Session,
    request: Interaction,
    resource: dict[str, Any],
    resource_id: str,
    method: str,
) -> Answer:
    if request.check_references:
        check_references({**resource, "id": resource_id}, request.base, session.exists)
    before = session.current(resource["resourceType"], resource_id)
    version = session.put(resource, resource_id, method, request.base)
    status = 201 if before is None or before.deleted else 200
    return written(request, status, version)


def _deleted(session: Session, request: Interaction, current: Version | None) -> Answer:
    if current is not None and not current.deleted:
        current = session.delete(current)
        issue = DELETED_DONE.issue("The resource is deleted; its history is kept.")
    else:
        issue = DELETED_DONE.issue("There was nothing to delete.")
    issues: tuple[Issue, ...] = (issue,)
    if request.returning == "OperationOutcome":
        return Answer(200, outcome_text(issues), current, wrote=True, issues=issues)
    return Answer(204, None, current, wrote=True, issues=issues)
