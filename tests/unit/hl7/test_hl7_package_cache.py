"""The FHIR package cache: what is stored under which name, and that it is honest about it."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from fhir_backpain.hl7.package_cache import PackageCache


@pytest.fixture
def cache(tmp_path) -> PackageCache:
    return PackageCache(tmp_path / "home")


def package(name: str, version: str, files: dict[str, bytes]) -> bytes:
    manifest = {"name": name, "version": version, "dependencies": {"us.nlm.vsac": "0.1.0"}}
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for path, content in {
            "package/package.json": json.dumps(manifest).encode(),
            **files,
        }.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def read(file: Path) -> dict:
    return json.loads(file.read_bytes())


VALUE_SET = b'{"resourceType": "ValueSet", "id": "a", "url": "http://example.org/a"}'


def test_an_npm_package_is_stored_as_the_version_wanted_and_says_so(cache, tmp_path):
    archive = package("hl7.terminology.r4", "7.0.1", {"package/a.json": VALUE_SET})
    (tmp_path / "hl7.terminology.r4-7.0.1.tgz").write_bytes(archive)

    cache.add_npm_packages(tmp_path)

    folder = cache.packages / "hl7.terminology.r4#6.2.0" / "package"
    manifest = read(folder / "package.json")
    assert (manifest["name"], manifest["version"]) == ("hl7.terminology.r4", "6.2.0")
    assert manifest["description"] == "The content of hl7.terminology.r4#7.0.1"
    assert manifest["dependencies"] == {}
    assert read(folder / ".index.json")["files"] == [
        {
            "filename": "a.json",
            "resourceType": "ValueSet",
            "id": "a",
            "url": "http://example.org/a",
        }
    ]


def test_the_packages_of_the_r5_jar_are_stored(cache, tmp_path):
    jar = tmp_path / "r5.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        core = package("hl7.fhir.r5.core", "5.0.0", {"package/a.json": VALUE_SET})
        archive.writestr("org/hl7/fhir/r5/packages/hl7.fhir.r5.core-5.0.0.tgz", core)
        archive.writestr("META-INF/MANIFEST.MF", "")

    cache.add_r5_packages(jar)

    manifest = read(cache.packages / "hl7.fhir.r5.core#5.0.0" / "package" / "package.json")
    assert "description" not in manifest


def test_no_file_of_an_archive_leaves_its_package(cache, tmp_path):
    files = {
        "package/../../../../outside.json": VALUE_SET,
        "/package/absolute.json": VALUE_SET,
        "package/deep/a.json": VALUE_SET,
        "package/a.json": VALUE_SET,
    }
    archive = package("hl7.terminology.r4", "7.0.1", files)
    (tmp_path / "hl7.terminology.r4-7.0.1.tgz").write_bytes(archive)

    cache.add_npm_packages(tmp_path)

    assert {path.name for path in tmp_path.rglob("*.json")} == {
        "a.json",
        "package.json",
        ".index.json",
        "fhir-settings.json",
    }


def test_the_network_is_forbidden_to_the_validator(cache):
    settings = read(cache.packages.parent / "fhir-settings.json")

    assert settings["prohibitNetworkAccess"] is True


def test_empty_packages_hold_no_resource(cache):
    cache.add_empty_packages()

    folders = [path / "package" for path in cache.packages.iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert read(folder / ".index.json")["files"] == []
