from pathlib import Path

from fhir_backpain.validation.record_reference import record_reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "records.md"


def test_the_reference_page_says_what_the_schemas_say() -> None:
    assert PAGE.read_text("utf-8") == record_reference(), (
        "write it again: python -c 'from fhir_backpain.validation.record_reference import "
        'record_reference; print(record_reference(), end="")\' > docs/reference/records.md'
    )
