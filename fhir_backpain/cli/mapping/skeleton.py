"""The text of a new mapping, instrument or concept map, marked where its author must write."""

from __future__ import annotations

import json

from fhir_backpain.intake.feed_skeleton import MARK, quoted

# A field that each record type has, the element that takes it, and the record's own time.
_FIRST_VALUES = {
    "assessment": ("pain.onset", "valueDateTime", "assessed_at"),
    "care-plan": ("summary", "valueString", "written_at"),
    "observation": ("note", "valueString", "observed_at"),
}


def mapping_text(name: str, source: str) -> str:
    """Return a mapping that makes one Observation of each record that has a certain field."""
    field, value, time = _FIRST_VALUES[source]
    return f"""\
# {MARK} what this mapping is for, the concept, the field, and the resource that it makes.
mapping: {name}
source: {source}                # one record type, or a list of them
makes: Observation
when: {field} is present        # or 'for each: LIST as NAME', for one resource of each element
belongs to: record              # patient: the same for life, the latest record wins
key: [{name}]                   # with the record's id: identifier and logical id
resource:
  meta: {{=use: meta}}
  identifier: {{=use: own-identifier}}
  status: final
  category:
    - {{=fixed: obs.category.survey}}
  code: {{=fixed: pain.onset}}
  subject: {{=use: patient}}
  encounter: {{=use: encounter}}
  effectiveDateTime: ={time}
  {value}: ={field}
"""


def instrument_text(name: str, title: str, code: str) -> str:
    """Return an instrument with one score."""
    return f"""\
# {MARK} domain, unit and range, and items where answers are carried: {{ids: 1-10, range: [0, 10]}}.
instrument: {name}
title: {quoted(title)}
domain: function          # pain, function, quality-of-life, psychosocial, activity, vital-signs
reported by: patient      # or clinician
measures:
  {name}: {{code: {code}, unit: unit.score, range: [0, 100]}}
licence: "{MARK} who owns the instrument and on what terms, in a sentence"
"""


def code_system_text(id_: str, code: str, display: str) -> str:
    """Return a code system of the clinic's own with one concept, as JSON."""
    system = {
        "resourceType": "CodeSystem",
        "id": id_,
        "url": f"{MARK} the address of this code system, https://YOUR-DOMAIN/fhir/CodeSystem/{id_}",
        "status": "active",
        "caseSensitive": True,
        "content": "complete",
        "concept": [{"code": code, "display": display}],
    }
    return json.dumps(system, indent=2, ensure_ascii=False) + "\n"


def concept_map_text(name: str) -> str:
    """Return a concept map that shows both forms of a row."""
    return f"""\
# {MARK} the rows; these two show their forms. Keys are those of concepts and code systems.
concept map: {name}
# of: site                # the kind of word, where the record check shall know these words
rows:
  left: lat.left
  right: {{is: [lat.right], text: On the right}}
"""
