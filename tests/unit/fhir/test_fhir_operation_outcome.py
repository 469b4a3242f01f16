import json

from fhir_backpain.fhir.json_fault import JSON_SYNTAX
from fhir_backpain.fhir.operation_outcome import outcome_text


def test_issues_become_one_resource_in_their_order() -> None:
    issues = [JSON_SYNTAX.issue("Missing: ü."), JSON_SYNTAX.issue("Second.")]
    text = outcome_text(iter(issues))
    assert "ü" in text
    resource = json.loads(text)
    assert resource["resourceType"] == "OperationOutcome"
    assert [issue["details"]["text"].split(" Next:")[0] for issue in resource["issue"]] == [
        "Missing: ü.",
        "Second.",
    ]


def test_no_issue_says_that_all_went_well() -> None:
    (issue,) = json.loads(outcome_text([]))["issue"]
    assert issue["severity"] == "information"
