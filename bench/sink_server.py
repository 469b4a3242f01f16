"""A FHIR server that keeps nothing: `python -m bench.sink_server`. It prints its base URL.

Each entry of a transaction is answered as created, as fast as Python can: what a client then takes
is its own time. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

from bench.http_reader import HttpReader

_ENTRY = re.compile(rb'"request":\{"method":"(?:PUT|DELETE)","url":"([^"]+)"')
STATEMENT = json.dumps(
    {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "kind": "instance",
        "rest": [
            {
                "mode": "server",
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
                "resource": [],
            }
        ],
    }
).encode()


class Sink(asyncio.Protocol):
    """One connection; requests are answered in their order."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._reader = HttpReader()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete by now."""
        for method, body in self._reader.feed(data):
            self._transport.write(response(answer(body) if method == b"POST" else STATEMENT))


def answer(body: bytes) -> bytes:
    """Return the response Bundle of a transaction: every entry was created.

    FHIR: http://hl7.org/fhir/R4/http.html#transaction-response
    """
    urls = _ENTRY.findall(body)
    entries = b",".join(
        b'{"response":{"status":"201 Created","location":"%b/_history/1","etag":"W/\\"1\\""}}' % url
        for url in urls
    )
    return b'{"resourceType":"Bundle","type":"transaction-response","entry":[%b]}' % entries


def response(body: bytes) -> bytes:
    """Return an HTTP response."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/fhir", flush=True)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await orders.read()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
