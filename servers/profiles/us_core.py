"""US Core 6.1.0, on which the profiles build: npm does not have it, so its file is given."""

from __future__ import annotations

import os
from pathlib import Path

from fhir_backpain.toolchain.problem import INPUT_NOT_FOUND, CounterpartError

US_CORE = "hl7.fhir.us.core#6.1.0"
VARIABLE = "FHIR_BACKPAIN_US_CORE"
"""Names the package file (.tgz) of US Core; without it SUSHI downloads the package itself."""


def us_core_file() -> Path | None:
    """Return the package file that the environment names; raises where there is no such file."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    file = Path(named).absolute()
    if not file.is_file():
        text = f"${VARIABLE} names a file that is not there: {named}."
        raise CounterpartError(INPUT_NOT_FOUND.issue(text))
    return file
