"""Sends records: `python -m bench.sink_worker OUTBOX URL WORKLOAD RECORDS IN_FLIGHT`.

The whole way: outbox on disk, mapping, Bundles, requests, answers, settlement. Prints JSON: seconds
and CPU seconds of storing and of sending, the resources made, and the peak resident memory in MiB.
"""

from __future__ import annotations

import json
import sys
import time

from bench.stream import peak_mib
from bench.workload import WORKLOADS
from fhir_backpain.client.client import FhirClient
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions
from fhir_backpain.sync.summary import ResourceCount, Summary


def main(outbox: str, url: str, workload: str, records: int, in_flight: int) -> None:
    """Store and send; exits with 1 where not everything was sent."""
    mapper = load_mapper()
    with open_store(outbox) as store, FhirClient(url) as client:
        client.capabilities()
        options = PushOptions(in_flight=in_flight)
        dispatcher = Dispatcher(store, client, mapper, options=options)
        times, cpus = [time.perf_counter()], [time.process_time()]
        dispatcher.append(WORKLOADS[workload](1, records))
        times.append(time.perf_counter())
        cpus.append(time.process_time())
        result = dispatcher.run_until_idle()
        times.append(time.perf_counter())
        cpus.append(time.process_time())
    if not result.is_complete:
        sys.exit(str(result))
    figures = {
        "records": records,
        "resources": sum(result.summary.resources[one] for one in _written(result.summary)),
        "append": times[1] - times[0],
        "send": times[2] - times[1],
        "append_cpu": cpus[1] - cpus[0],
        "send_cpu": cpus[2] - cpus[1],
        "peak_mib": peak_mib(),
    }
    print(json.dumps(figures))


def _written(summary: Summary) -> list[tuple[str, ResourceCount]]:
    return [one for one in summary.resources if one[1] in ("created", "updated")]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
