"""Is what the server holds what was sent? Compared without what servers add by themselves."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from fhir_backpain.fhir.meta import OF_THE_SERVER, without_meta

# A server may fill in a source where none was sent.
_SERVER_META = (*OF_THE_SERVER, "source")


def is_same_content(sent: str, held: dict[str, Any]) -> bool:
    """True where the resource `held` says what the JSON text `sent` says.

    The version, time and source that the server noted in meta do not count, nor a narrative
    that the server made because none was sent.
    """
    mine = json.loads(sent, parse_float=Decimal)
    theirs = dict(held)
    if "text" not in mine:
        theirs.pop("text", None)
    return without_meta(mine, _SERVER_META) == without_meta(theirs, _SERVER_META)
