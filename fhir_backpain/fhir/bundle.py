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
    # Types and logical ids hold nothing that JSON would have to escape.
    url = f"{resource.type}/{resource.id}"
    request = f'"request":{{"method":"PUT","url":"{url}"}}'
    if base_url is None:
        return f'{{"resource":{resource.text},{request}}}'
    full_url = json.dumps(f"{base_url}/{url}")
    return f'{{"fullUrl":{full_url},"resource":{resource.text},{request}}}'
