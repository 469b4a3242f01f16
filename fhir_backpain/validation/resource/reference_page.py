"""The reference page of validation: what each strength looks at, and every invariant's account."""

from __future__ import annotations

from fhir_backpain.validation.resource.invariant_table import accounts

_HEAD = """\
# Validation of FHIR resources

`fhir-backpain validate` holds resources against FHIR R4 and every profile that they claim, in one of
three strengths. `--profile URL` asks for further profiles, `--ig` and `--us-core` load their packages.

| strength | looks at | needs |
|---|---|---|
| `builtin` | names, kinds, forms, real dates, cardinality, choices, required codes, fixed values, patterns, slices, references, narratives, the invariants below | nothing |
| `models` | the same, then a parse by fhir.resources | nothing |
| `hl7` | everything, by HL7's own validator, in one warm Java process | Java; at the first time Maven and npm |

What only HL7's validator sees: codes of HL7's code systems beyond required bindings, displays,
extensions of HL7 that do not exist, languages, answers that do not belong to their questionnaire.

## Invariants of the built-in validator

| key | evaluated | how, or why not |
|---|---|---|
"""  # noqa: E501 - a row of a table is one line


def validation_reference() -> str:
    """Return the page as Markdown."""
    rows = [
        f"| {one.key} | {'yes' if one.is_evaluated else 'no'} | {one.reason} |"
        for one in accounts()
    ]
    return _HEAD + "\n".join(rows) + "\n"
