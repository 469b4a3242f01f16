"""Reading and searching what was sent: resources made anew from the newest records.

FHIR: http://hl7.org/fhir/R4/http.html#read and http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from fhir_backpain.fhir.date_range import parse_date
from fhir_backpain.fhir.identity import patient_id
from fhir_backpain.gateway.answer import tagged
from fhir_backpain.gateway.description import Answer, Parameter, described, fhir_answer_of
from fhir_backpain.gateway.disclosure import tell_shown
from fhir_backpain.gateway.fhir_body import base_url, resource_answer
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import body_type, ensure_format, ensure_parameters, wrong_parameter
from fhir_backpain.gateway.messages import GONE_RESOURCE, UNKNOWN_RESOURCE, UNKNOWN_TYPE
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.sync.holding import HeldResource, Holding

blueprint = Blueprint("fhir_search", __name__, url_prefix="/fhir")

FORM = "application/x-www-form-urlencoded"
PARAMETERS: Mapping[str, tuple[str, str]] = {
    "_id": ("token", "Logical ids, separated by commas."),
    "identifier": ("token", "system|value of a business identifier."),
    "patient": ("reference", "Patient/id, or the id alone."),
    "_lastUpdated": ("date", "When it was last written to the server, with eq, ge, gt, le or lt."),
}
"""The search parameters of every type, each with its FHIR type; `patient` is not one of Patient."""
_RESULT = ("_count", "_after", "_format")
_MOST, _USUAL, _MOST_IDS = 100, 20, 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOCUMENTED = (
    *(Parameter(name, what, {"type": "string"}) for name, (_, what) in PARAMETERS.items()),
    Parameter("_count", "How many on a page.", {"type": "integer", "minimum": 1, "maximum": _MOST}),
    Parameter("_after", "Those after the one with this id: pages do this.", {"type": "string"}),
    Parameter("_format", "json, or a media type of it.", {"type": "string"}),
)
_FOUND = {200: fhir_answer_of("A page of what was found.", "Bundle")}


@dataclass(slots=True)
class Criteria:
    """What is searched for: a type, wanted URLs where those are known, and a time."""

    resource_type: str
    wanted: set[str] | None = None
    since: str = ""
    until: str = "~"
    after: str = ""
    count: int = _USUAL
    shown: dict[str, str] = field(default_factory=dict)

    def only(self, urls: Iterable[str]) -> None:
        """Keep these URLs alone."""
        found = set(urls)
        self.wanted = found if self.wanted is None else self.wanted & found


@blueprint.get("/<resource_type>/<resource_id>")
@needs("read")
@described(
    {200: fhir_answer_of("The resource."), 304: Answer("The client has it already.")},
    parameters=(_DOCUMENTED[-1],),
    problems=(404, 410),
)
def read(resource_type: str, resource_id: str) -> Response:
    """Read a resource that was sent, as the newest version of its record makes it."""
    ensure_format()
    ensure_parameters("_format")
    shared = services()
    _ensure_type(resource_type, shared)
    url = f"{resource_type}/{resource_id}"
    holding = _holding(shared)
    row = holding.rows([url]).get(url)
    if row is not None and row.retired is not None:
        raise ProblemError(GONE_RESOURCE.issue("The resource is no longer what a record says."))
    found = next(holding.resources([row] if row else []), None)
    if found is None:
        raise ProblemError(UNKNOWN_RESOURCE.issue("Nothing with this id was sent."))
    tell_shown([found.entry])
    return tagged(resource_answer(found.to_json()), f"{found.text}{found.written_at}")


@blueprint.get("/<resource_type>")
@needs("read")
@described(_FOUND, parameters=_DOCUMENTED, problems=(404,))
def search(resource_type: str) -> Response:
    """Search what was sent, by type; the next link leads to the next page."""
    ensure_parameters(*PARAMETERS, *_RESULT)
    return _search(resource_type, request.args)


@blueprint.post("/<resource_type>/_search")
@needs("read")
@described(_FOUND, bodies={FORM: "SearchForm"}, needs_body=False, problems=(404,))
def search_by_form(resource_type: str) -> Response:
    """Search by a form, so that no URL holds an identifier of a patient."""
    ensure_parameters()
    if request.content_length:
        body_type(FORM)
    for name, values in request.form.lists():
        if name not in (*PARAMETERS, *_RESULT, "form_key") or len(values) > 1:
            raise wrong_parameter("A search parameter is not known here, or given twice.")
    return _search(resource_type, request.form)


def _search(resource_type: str, given: Mapping[str, str]) -> Response:
    ensure_format()
    shared = services()
    _ensure_type(resource_type, shared)
    holding = _holding(shared)
    criteria = _criteria(resource_type, given, holding)
    rows = _rows(criteria, holding, shared)
    more = len(rows) > criteria.count
    page = rows[: criteria.count]
    found = list(holding.resources(page))
    tell_shown(one.entry for one in found)
    return resource_answer(_bundle(criteria, found, page[-1].url if more else None))


def _criteria(resource_type: str, given: Mapping[str, str], holding: Holding) -> Criteria:
    criteria = Criteria(resource_type, count=_count(given.get("_count", str(_USUAL))))
    # An identifier of a patient is in no link, whatever the client did.
    criteria.shown = {name: given[name] for name in ("patient", "_lastUpdated") if name in given}
    if "_after" in given:
        criteria.after = f"{resource_type}/{given['_after']}"
    if "_id" in given:
        ids = given["_id"].split(",")
        if len(ids) > _MOST_IDS:
            raise wrong_parameter(f"_id has more than {_MOST_IDS} ids.")
        criteria.only(f"{resource_type}/{one}" for one in ids)
        criteria.shown["_id"] = given["_id"]
    if "patient" in given:
        criteria.only(_of_patient(resource_type, given["patient"], holding))
    if "identifier" in given:
        criteria.only(_named(resource_type, given["identifier"], holding))
    if "_lastUpdated" in given:
        criteria.since, criteria.until = _times(given["_lastUpdated"])
    return criteria


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and int(text) > 0):
        raise wrong_parameter("_count is not a number from 1 on.")
    return min(int(text), _MOST)


def _of_patient(resource_type: str, reference: str, holding: Holding) -> set[str]:
    if resource_type == "Patient":
        raise wrong_parameter("patient is no search parameter of Patient.")
    url = f"Patient/{reference.removeprefix('Patient/')}"
    row = holding.rows([url]).get(url)
    if row is None:
        return set()
    return holding.urls_of_patient(row.key.patient_system, row.key.patient_value)


def _named(resource_type: str, token: str, holding: Holding) -> set[str]:
    system, sign, value = token.partition("|")
    if not (system and sign and value):
        raise wrong_parameter("identifier is not system|value.")
    if resource_type == "Patient":
        return {f"Patient/{patient_id(system, value)}"}
    return holding.urls_named(system, value)


def _times(text: str) -> tuple[str, str]:
    """Return the instants that a date with its prefix is about, from the first to before the last.

    FHIR: http://hl7.org/fhir/R4/search.html#date
    """
    prefix, value = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    found = parse_date(value)
    if found is None or prefix not in ("eq", "ge", "gt", "le", "lt"):
        raise wrong_parameter("_lastUpdated is no date with a prefix that is known here.")
    low, high = (format_instant(_EPOCH + timedelta(microseconds=one)) for one in found)
    return {"eq": (low, high), "ge": (low, "~"), "gt": (high, "~"), "le": ("", high),
            "lt": ("", low)}[prefix]  # fmt: skip


def _rows(criteria: Criteria, holding: Holding, shared: Services) -> list[LedgerRow]:
    """Return a page of rows, and one more where there are more."""
    if criteria.wanted is None:
        return shared.store.ledger_page(
            shared.settings.server,
            criteria.resource_type,
            after=criteria.after,
            since=criteria.since,
            until=criteria.until,
            limit=criteria.count + 1,
        )
    start = f"{criteria.resource_type}/"
    urls = [url for url in criteria.wanted if url.startswith(start) and url > criteria.after]
    rows = holding.rows(urls).values()
    fitting = [
        row
        for row in rows
        if row.retired is None and criteria.since <= row.written_at < criteria.until
    ]
    return sorted(fitting, key=lambda row: row.url)[: criteria.count + 1]


def _bundle(criteria: Criteria, found: list[HeldResource], last: str | None) -> dict[str, Any]:
    base = base_url()
    query = {**criteria.shown, "_count": str(criteria.count)}
    address = f"{base}/{criteria.resource_type}"
    own = {**query, "_after": criteria.after.partition("/")[2]} if criteria.after else query
    links = [{"relation": "self", "url": f"{address}?{urlencode(own)}"}]
    if last is not None:
        following = {**query, "_after": last.partition("/")[2]}
        links.append({"relation": "next", "url": f"{address}?{urlencode(following)}"})
    entries = [
        {
            "fullUrl": f"{base}/{one.url}",
            "resource": one.to_json(),
            "search": {"mode": "match"},
        }
        for one in found
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    return {**bundle, "entry": entries} if entries else bundle


def _ensure_type(resource_type: str, shared: Services) -> None:
    if resource_type not in shared.mapper.types:
        raise ProblemError(UNKNOWN_TYPE.issue("The type is not held here."), status=404)


def _holding(shared: Services) -> Holding:
    return Holding(shared.store, shared.settings.server, shared.mapper)
