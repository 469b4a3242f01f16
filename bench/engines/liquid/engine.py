"""python-fhir-converter: Liquid templates in the style of Microsoft's FHIR-Converter.

JSON in, JSON out is its STU3 renderer, here with templates of its own. Liquid cannot compute
blake2b, so the identities come from a filter written in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fhir_converter.renderers import Stu3FhirRenderer, make_environment
from liquid.loaders import FileExtensionLoader
from pyjson5 import dumps

from bench.engines.identity import Identities

Concepts = dict[str, dict[str, Any]]


def make(tables: Concepts) -> Callable[[bytes], bytes]:
    """Return the function from a record's line to its Bundle; `tables` are `bench.concepts`'."""
    loader = FileExtensionLoader(Path(__file__).with_name("templates"))
    environment = make_environment(loader, globals={"concepts": _written(tables)})
    environment.add_filter("identities", _identities)
    environment.add_filter("address", _address)
    renderer = Stu3FhirRenderer(environment)
    return lambda line: renderer.render_fhir_string("Bundle", line).encode()


def _written(tables: Concepts) -> dict[str, dict[str, str]]:
    """Return each concept as JSON text for the templates; some lack their braces or brackets."""
    written = {
        name: {word: dumps(concept) for word, concept in rows.items()}
        for name, rows in tables.items()
    }
    for name in ("unit", "claim", "measure-claim", "measure-category"):
        written[name] = {word: text[1:-1] for word, text in written[name].items()}
    return written


def _identities(record: dict[str, Any]) -> dict[str, Any]:
    ids = Identities(record)
    return {
        "patient": ids.patient_id,
        "patientPath": ids.patient_path,
        "recordPath": ids.record_path,
        "computed": ids,
    }


def _address(type_: str, ids: dict[str, Any], owner: str, key: str) -> str:
    computed: Identities = ids["computed"]
    return (computed.of_patient if owner == "patient" else computed.of_record)(type_, key)[0]
