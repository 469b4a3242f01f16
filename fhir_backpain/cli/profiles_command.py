"""profiles: the FHIR profiles that what is mapped claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli import messages
from fhir_backpain.cli.fhir_package import FhirPackage, load_package
from fhir_backpain.cli.options import json_option
from fhir_backpain.cli.output import put_json, say
from fhir_backpain.errors import SettingsError


@click.group("profiles")
def command() -> None:
    """List the FHIR profiles and terminology, and pack them for other FHIR tools.

    \b
    Examples:
      fhir-backpain profiles list
      fhir-backpain profiles package --out package.tgz
    """


@command.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """Show every definition of the package: profiles, value sets, questionnaires and so on.

    \b
    Examples:
      fhir-backpain profiles list
      fhir-backpain profiles list --json
    """
    package = load_package()
    definitions = list(_definitions(package))
    if as_json:
        put_json({"package": package.manifest["name"], "definitions": definitions})
        return
    click.echo(f"{package.manifest['name']} {package.manifest['version']}")
    for line in _table(definitions):
        click.echo(line)


@command.command("package")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write; by default a file of the package's name in this folder.",
)
def package_command(out: Path | None) -> None:
    """Write the profiles as a FHIR NPM package, which FHIR tools and servers install.

    \b
    Examples:
      fhir-backpain profiles package
      fhir-backpain profiles package --out build/package.tgz

    A file that is there is replaced. The same version gives the same bytes.
    """
    package = load_package()
    file = out or Path(package.file_name)
    try:
        file.write_bytes(package.to_tgz())
    except OSError as problem:
        text = f"{file} cannot be written: {problem.strerror}."
        raise SettingsError(messages.PACKAGE_UNWRITABLE.issue(text)) from None
    count = len(package.definitions)
    say(f"{file}: {count} definitions and {len(package.examples)} examples")


def _definitions(package: FhirPackage) -> Iterator[dict[str, Any]]:
    for resource in package.definitions.values():
        yield {
            "type": _type(resource),
            "id": resource["id"],
            "url": resource["url"],
            "title": resource.get("title") or resource["name"],
        }


def _type(resource: dict[str, Any]) -> str:
    """Return what a definition is called: a StructureDefinition is one of two things."""
    if resource["resourceType"] != "StructureDefinition":
        return str(resource["resourceType"])
    return "LogicalModel" if resource["kind"] == "logical" else "Profile"


def _table(definitions: Iterable[dict[str, Any]]) -> Iterator[str]:
    def order(found: dict[str, Any]) -> tuple[bool, str, str]:
        return found["type"] != "Profile", found["type"], found["id"]

    ordered = sorted(definitions, key=order)
    width = max(len(found["id"]) for found in ordered)
    for kind, group in groupby(ordered, key=lambda found: str(found["type"])):
        yield f"\n{kind}"
        yield from (f"  {found['id']:<{width}}  {found['title']}" for found in group)
