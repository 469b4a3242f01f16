"""Builds the FHIR package of `profiles/`: what people write, what is generated, and SUSHI.

People write the profiles and the code system, as FHIR Shorthand in `profiles/input/fsh`.
Everything else has its one source of truth elsewhere and is generated: value sets and concept maps
from the concept maps and instruments of `mappings/`, questionnaires from the instruments, logical
models from the records' JSON Schemas, examples from the golden cases.
"""
