"""A version as it is kept says what it was made of."""

from __future__ import annotations

import pytest

from fhir_backpain.fhir.noted_version import noted_version, server_id_in, version_in


@pytest.mark.parametrize("version", ["3", None])
@pytest.mark.parametrize("server_id", ["17", None])
def test_the_server_s_id_stands_beside_the_version(
    version: str | None, server_id: str | None
) -> None:
    noted = noted_version(version, server_id)
    assert (version_in(noted), server_id_in(noted)) == (version, server_id)
