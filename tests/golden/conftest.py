"""Makes the mapper once for every golden case."""

import pytest

from fhir_backpain.mapping.mapper import Mapper, load_mapper


@pytest.fixture(scope="session")
def mapper() -> Mapper:
    return load_mapper()
