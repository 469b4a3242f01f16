"""Reads NDJSON from standard input, checks, maps and bundles each record: `python -m bench.stream`.

Bundles go to the null device. At the end it prints, as JSON, the number of records, the CPU seconds
since the first one and the process's peak resident memory in MiB.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from time import process_time

from fhir_backpain.fhir.bundle import put_bundle
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.record import SourceRecord
from fhir_backpain.sources.ndjson import read_ndjson
from fhir_backpain.validation.record import RecordChecker


def main() -> None:
    """Take in the whole stream; exits with 1 where a record is not good."""
    mapper = load_mapper()
    checker = RecordChecker(mapper.library.vocabulary, mapper.library.ranges)
    count = 0
    start = process_time()
    with open(os.devnull, "w", encoding="utf-8") as sink:
        for reading in read_ndjson(sys.stdin.buffer):
            if not isinstance(reading, SourceRecord) or checker.check(reading.data):
                sys.exit(f"record {count + 1} is not good: {reading.location}")
            sink.write(put_bundle(mapper(reading.data)))
            count += 1
    print(json.dumps({"records": count, "cpu": process_time() - start, "peak_mib": peak_mib()}))


def peak_mib() -> float:
    """Return the peak memory of this process; ru_maxrss would count the parent's before exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
