"""Bundles that put each resource at its own id.

FHIR: Bundle, http://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

from fhir_backpain.fhir.resource import MadeResource

BundleType = Literal["transaction", "batch"]


def put_bundle(
    resources: Iterable[MadeResource], kind: BundleType = "transaction", base_url: str | None = None
) -> str:
    """Return the JSON text of a Bundle with one PUT for each resource.

    With `base_url` each entry has a fullUrl below it; a transaction may do without.
    """
    entries = ",".join(_entry(resource, base_url) for resource in resources)
    return f'{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}'


def _entry(resource: MadeResource, base_url: str | None) -> str:
    full_url = f'"fullUrl":{json.dumps(f"{base_url}/{resource.url}")},' if base_url else ""
    request = f'"request":{{"method":"PUT","url":{json.dumps(resource.url)}}}'
    return f'{{{full_url}"resource":{resource.text},{request}}}'
