"""The batch interaction: each entry for itself, answered in the order of the request.

FHIR: http://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from typing import Any

from fhir_backpain.sandbox.bundle_entry import answer_text, entry_elements, read_entry, refused
from fhir_backpain.sandbox.exchange import Answer, Interaction
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import INJECTED_FAULT, WRONG_BODY
from fhir_backpain.sandbox.routing import find_route, perform
from fhir_backpain.sandbox.store import Store

_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3, "HEAD": 3}


def process_batch(store: Store, bundle: dict[str, Any], request: Interaction) -> Answer:
    """Answer a batch: an entry that fails leaves the others alone."""
    elements = entry_elements(bundle)
    answers: dict[int, Answer] = {}
    for index, element in sorted(enumerate(elements), key=lambda pair: _rank(pair[1])):
        try:
            answers[index] = _process(store, index, element, request)
        except InteractionError as error:
            answers[index] = refused(error)
    in_order = [answers[index] for index in range(len(elements))]
    return Answer(200, answer_text("batch-response", in_order, request))


def _process(store: Store, index: int, element: Any, request: Interaction) -> Answer:
    fault = request.quirks.entry_faults.get(index)
    if fault is not None:
        raise InteractionError.of(fault.status, INJECTED_FAULT, fault.text).in_entry(index)
    entry = read_entry(index, element, request)
    try:
        return run(store, entry.request)
    except InteractionError as error:
        raise error.in_entry(index) from error


def run(store: Store, request: Interaction) -> Answer:
    """Carry out one interaction in a session of its own."""
    if request.path == ("",):
        raise InteractionError.of(400, WRONG_BODY, "A batch within a batch is not supported.")
    writes = find_route(request.method, request.path).writes
    with store.writing() if writes else store.reading() as session:
        return perform(session, request)


def _rank(element: Any) -> int:
    wanted = element.get("request") if isinstance(element, dict) else None
    method = wanted.get("method") if isinstance(wanted, dict) else None
    return _ORDER.get(method, 9) if isinstance(method, str) else 9
