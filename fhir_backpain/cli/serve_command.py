"""serve: the gateway that takes records over HTTP and sends them on."""

from __future__ import annotations

from pathlib import Path

import click

from fhir_backpain.access.oidc_file import read_oidc
from fhir_backpain.cli.log_options import log_options
from fhir_backpain.cli.options import base_url_of, credentials_of, mappings_option, server_options
from fhir_backpain.cli.output import say
from fhir_backpain.gateway.server import serve
from fhir_backpain.gateway.settings import GatewaySettings


@click.command("serve")
@server_options
@mappings_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8480, show_default=True, help="Port; 0 takes a free one.")
@click.option(
    "--public-url",
    metavar="URL",
    help="The https address of the proxy in front; needed to listen beyond loopback.",
)
@click.option(
    "--oidc",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="People may sign in with an identity provider too: a TOML file with issuer, client_id "
    "and a table roles; also client_secret_file, roles_claim and scope.",
)
@click.option(
    "--allow-patient-data",
    is_flag=True,
    help="Send records that are not marked as test data even to a public server.",
)
@log_options("-")
def command(
    server: str,
    token_file: Path | None,
    outbox: Path | str,
    mappings: Path | None,
    host: str,
    port: int,
    public_url: str | None,
    oidc: Path | None,
    allow_patient_data: bool,
) -> None:
    """Take records over HTTP, keep them durably, and send them to a FHIR server.

    \b
    Examples:
      fhir-backpain serve --server http://localhost:8080/fhir
      curl -H 'Content-Type: application/json' -d @plan.json http://127.0.0.1:8480/api/v1/records

    A record that was answered with 202 is stored for good; its tracking URL says what became of
    it. SIGTERM stops it gracefully.
    """
    settings = GatewaySettings(
        server=base_url_of(server),
        outbox=outbox,
        host=host,
        port=port,
        public_url=public_url,
        allow_patient_data=allow_patient_data,
        oidc=read_oidc(oidc) if oidc is not None else None,
    )
    serve(
        settings,
        on_ready=lambda url: say(f"gateway at {url} sends to {settings.server} (Ctrl-C stops it)"),
        credentials=credentials_of(token_file),
        mappings=mappings,
    )
