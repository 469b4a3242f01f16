"""Three clinics of a hundred patients, read once for all tests."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_backpain.clinic.clinic import Clinic

Records = list[dict[str, Any]]


@pytest.fixture(scope="session", params=[1, 2, "third"])
def clinic(request: pytest.FixtureRequest) -> Clinic:
    return Clinic(seed=request.param, patients=100)


@pytest.fixture(scope="session")
def records(clinic: Clinic) -> Records:
    return list(clinic.records())


@pytest.fixture(scope="session")
def history(clinic: Clinic) -> Records:
    return list(clinic.history())


@pytest.fixture(scope="session")
def by_patient(records: Records) -> dict[str, Records]:
    patients: dict[str, Records] = {}
    for record in records:
        patients.setdefault(record["patient"]["identifier"]["value"], []).append(record)
    return patients
