"""Query strings and form bodies as lists of parameters."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from fhir_backpain.sandbox.exchange import Parameters
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import INVALID_REQUEST

MAX_PARAMETERS = 1000


def parse_query(text: str) -> Parameters:
    """Return the parameters of a query string in their order; InteractionError 400 for junk."""
    query = re.sub(r"^[A-Za-z]*\?", "", text)
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError as error:
        text = "The query is not percent-encoded UTF-8, or it has too many parameters."
        raise InteractionError.of(400, INVALID_REQUEST, text) from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise InteractionError.of(400, INVALID_REQUEST, "The query holds the character NUL.")
    return tuple(pairs)
