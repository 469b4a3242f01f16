"""Shows how golden files would change and rewrites them: ``python -m tests.golden.accept``.

Names of cases or mappings may follow; without them every case is taken. Read the differences:
what is accepted here is what the tests will hold the mappings to.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fhir_backpain.mapping.mapper import load_mapper
from tests.golden.case import cases


def accept(names: Sequence[str]) -> int:
    """Rewrite the expected files of the named cases; return how many changed."""
    mapper = load_mapper()
    changed = 0
    for case in cases():
        if names and case.name not in names and str(case) not in names:
            continue
        difference = case.difference(mapper)
        if difference:
            print(difference)
            case.expected_file.write_text(case.actual(mapper) + "\n", "utf-8")
            changed += 1
    return changed


if __name__ == "__main__":
    print(f"{accept(sys.argv[1:])} golden files rewritten")
