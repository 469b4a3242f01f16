"""Makes the package folder: generated inputs beside what people wrote, SUSHI, tidy JSON."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.library import load_library
from servers.profiles import sushi
from servers.profiles.concept_maps import concept_maps, record_words
from servers.profiles.examples import examples
from servers.profiles.logical_models import logical_models
from servers.profiles.plan_definitions import plan_definitions
from servers.profiles.questionnaires import questionnaires
from servers.profiles.snapshot import tidy
from servers.profiles.us_core import US_CORE, us_core_file
from servers.profiles.value_sets import value_sets

_WRITTEN = ("sushi-config.yaml", "input")
_PACKAGE = "package"
_FIRST = (
    "resourceType", "id", "url", "version", "name", "title", "status", "experimental",
    "publisher", "description", "copyright",
)  # fmt: skip


def build(project: Path | None = None, package: Path | None = None) -> list[str]:
    """Write the package of a SUSHI project anew; return what changed, as `check` does.

    By default the shipped project and its own `package` folder. The same inputs give the same
    bytes. Raises CounterpartError.
    """
    project = project or profiles_folder()
    package = package or project / _PACKAGE
    made = _made(project)
    changed = _differences(made, package)
    for name in changed:
        file = package / name
        if name in made:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(made[name], encoding="utf-8", newline="\n")
        else:
            file.unlink()
    return changed


def check(project: Path | None = None, package: Path | None = None) -> list[str]:
    """Return the files of the package folder that a build would add, change or remove."""
    project = project or profiles_folder()
    return _differences(_made(project), package or project / _PACKAGE)


def _differences(made: Mapping[str, str], package: Path) -> list[str]:
    there = {
        file.relative_to(package).as_posix(): file.read_text("utf-8")
        for file in package.rglob("*.json")
    }
    names = made.keys() | there.keys()
    return sorted(name for name in names if made.get(name) != there.get(name))


def _made(project: Path) -> dict[str, str]:
    """Return the text of every file of the package, by its name below the package folder."""
    program = sushi.installed(project)
    us_core = us_core_file()
    with tempfile.TemporaryDirectory(prefix="profiles-") as folder:
        work = Path(folder)
        config = _lay_out(project, work)
        compiled = sushi.compile_project(program, work, us_core)
        made = [*_read(compiled), *_read(work / "input" / "resources")]
        shown = _read(work / "input" / "examples")
    resources = [_published(resource, config) for resource in made if "url" in resource]
    shown += [resource for resource in made if "url" not in resource]
    files = dict(_named(resources))
    files |= {f"example/{name}": text for name, text in _named(shown)}
    files["package.json"] = _text(_manifest(config))
    return files


def _lay_out(project: Path, work: Path) -> Mapping[str, Any]:
    """Copy what people wrote, write what is generated beside it; return SUSHI's settings."""
    for name in _WRITTEN:
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, work / name)
    config: Mapping[str, Any] = yaml.safe_load((work / "sushi-config.yaml").read_text("utf-8"))
    library = load_library()
    written = work / "input" / "fsh"
    (written / "generated-value-sets.fsh").write_text(value_sets(library), encoding="utf-8")
    (written / "generated-logical-models.fsh").write_text(logical_models(), encoding="utf-8")
    generated = [
        record_words(library), *concept_maps(library), *questionnaires(library),
        *plan_definitions(library),
    ]  # fmt: skip
    _write(work / "input" / "resources", generated)
    _write(work / "input" / "examples", examples())
    return config


def _write(folder: Path, resources: Iterable[Mapping[str, Any]]) -> None:
    folder.mkdir(parents=True)
    for name, text in _named(resources):
        (folder / name).write_text(text, encoding="utf-8")


def _read(folder: Path) -> list[dict[str, Any]]:
    return [json_text.parse(file.read_bytes()) for file in sorted(folder.glob("*.json"))]


def _published(resource: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition with what every one of the package says, in an order for readers."""
    said = {
        "version": config["version"],
        "status": config["status"],
        "experimental": config["experimental"],
        "publisher": config["publisher"]["name"],
    }
    if resource["resourceType"] == "PlanDefinition":
        # A protocol is for people to judge: it stays the draft that it says it is.
        said |= {name: resource[name] for name in ("status", "experimental")}
    whole = {**resource, **said}
    if "snapshot" in whole:
        whole = tidy(whole)
    if resource["resourceType"] == "ImplementationGuide":
        # SUSHI writes the frame of a website, which this package has not.
        whole["definition"] = {"resource": whole["definition"]["resource"]}
    first = {key: whole.pop(key) for key in _FIRST if key in whole}
    return {**first, **whole}


def _named(resources: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    for resource in resources:
        yield f"{resource['resourceType']}-{resource['id']}.json", _text(resource)


def _text(content: Mapping[str, Any]) -> str:
    return json_text.pretty(content) + "\n"


def _manifest(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the package's manifest.

    FHIR: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
    """
    name, version = US_CORE.split("#")
    return {
        "name": config["id"],
        "version": config["version"],
        "tools-version": 3,
        "type": "IG",
        "license": config["license"],
        "canonical": config["canonical"],
        "url": config["canonical"],
        "title": config["title"],
        "description": config["description"],
        "fhirVersions": [config["fhirVersion"]],
        "dependencies": {"hl7.fhir.r4.core": config["fhirVersion"], name: version},
        "author": config["publisher"]["name"],
        "directories": {"lib": "package", "example": "example"},
    }
