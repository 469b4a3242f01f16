"""HL7's FHIR validator, offline, in one warm Java process."""

from __future__ import annotations

import base64
import json
import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from fhir_backpain.hl7 import package_cache
from fhir_backpain.hl7.package_cache import PackageCache
from fhir_backpain.toolchain.cache import build_once, product_folder, remove_old_runs, run_folder
from fhir_backpain.toolchain.log import last_lines
from fhir_backpain.toolchain.problem import (
    INPUT_NOT_FOUND,
    VALIDATOR_STOPPED,
    WRONG_SETTING,
    CounterpartError,
)
from fhir_backpain.toolchain.programs import (
    compile_java,
    find_program,
    missing_program,
    require_programs,
    run_program,
)

_RECIPE = Path(__file__).parent / "recipe"
_POM = _RECIPE / "pom.xml"
_NPM_PACKAGES = _RECIPE / "package.json"
_DEFINITIONS = _RECIPE / "DefinitionsPackage.java"
_SOURCE = _RECIPE / "WarmValidator.java"

# Three products, so that a change in our own Java does not download everything anew.
_JARS = ("hl7-validator-jars", (_POM,))
_PACKAGES = (
    "hl7-validator-packages",
    (_POM, _NPM_PACKAGES, _DEFINITIONS, Path(package_cache.__file__)),
)
_CLASSES = ("hl7-validator-classes", (_POM, _SOURCE))

VERSIONS = ("4.0.1", "5.0.0")
"""The FHIR versions whose definitions are in the package cache."""

_PACKAGE_ID = re.compile(r"[a-z0-9._-]+#[\w.-]+")
_START_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class ValidatorIssue:
    """One finding of the validator, in its own words.

    `message` may quote values of the resource: do not log it where those are a patient's.
    `severity` is FHIR's IssueSeverity, `code` its IssueType, `expression` the FHIRPath of the
    place.
    """

    severity: str
    code: str | None
    expression: str | None
    line: int | None
    column: int | None
    message_id: str | None
    message: str

    @property
    def is_error(self) -> bool:
        """True where the resource is not valid because of this."""
        return self.severity in ("fatal", "error")

    def __str__(self) -> str:
        place = f" {self.expression}" if self.expression else ""
        return f"{self.severity}{place}: {self.message} [{self.message_id or self.code}]"


@dataclass(frozen=True, slots=True)
class ValidatorInstallation:
    """Where the validator's jars, its FHIR package cache and our compiled class are."""

    jars: Path
    home: Path
    classes: Path

    @property
    def class_path(self) -> str:
        """Java's class path of the validator."""
        return f"{self.classes}:{self.jars}/lib/*"


def download() -> ValidatorInstallation:
    """Return the installation; fetches and makes what the cache does not hold.

    Needs Maven, npm and a Java development kit for that, and nothing but the cache from then on.
    Raises ToolMissingError, RegistryUnreachableError or CounterpartError.
    """
    jars = build_once(*_JARS, _fetch_jars)
    home = build_once(*_PACKAGES, lambda folder: _make_package_cache(folder, jars))
    classes = build_once(*_CLASSES, lambda folder: compile_java(_SOURCE, jars / "lib", folder))
    return ValidatorInstallation(jars, home, classes)


def is_downloaded() -> bool:
    """Return whether the cache holds all that the validator needs."""
    return all(product_folder(*product).is_dir() for product in (_JARS, _PACKAGES, _CLASSES))


def is_available() -> tuple[bool, str]:
    """Return whether this machine has what the validator needs, and in words what is missing.

    Whether the registries can be reached is seen by `download` only.
    """
    needed = ["java"] if is_downloaded() else ["java", "javac", "mvn", "npm"]
    problem = missing_program(needed)
    return (False, str(problem)) if problem else (True, "")


class Validator:
    """The validator for the length of a `with` block; the definitions are loaded once.

    `igs` name what is loaded beside the core definitions: folders of conformance resources, package
    files (.tgz, loaded without their dependencies), or `name#version` of a cached package.
    No terminology server is asked: of LOINC, SNOMED CT, ICD-10-CM and UCUM codes only those are
    checked for which an `ig` holds a CodeSystem with `content` complete.

    One resource is looked at at a time; threads may share a validator. For a `long_run` of some
    thousand resources Java compiles what runs often a second time.
    """

    def __init__(
        self,
        version: str = "4.0.1",
        igs: Iterable[str | Path] = (),
        *,
        allow_example_urls: bool = False,
        assume_valid_rest_references: bool = True,
        heap: str = "2g",
        timeout: float = 120.0,
        long_run: bool = False,
    ) -> None:
        if version not in VERSIONS:
            text = f"version is one of {', '.join(VERSIONS)}, not {version!r}"
            raise CounterpartError(WRONG_SETTING.issue(text))
        self._arguments = ["--version", version]
        self._igs = list(igs)
        if allow_example_urls:
            self._arguments.append("--allow-example-urls")
        if not assume_valid_rest_references:
            self._arguments.append("--check-rest-references")
        self._heap = heap
        # Most runs are over before the second compiler pays off.
        self._tier = [] if long_run else ["-XX:TieredStopAtLevel=1"]
        self._timeout = timeout
        self._process: _ValidatorProcess | None = None
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        """Start Java and wait until the definitions are loaded, which takes some ten seconds."""
        installation = download()
        require_programs("java")
        guides = [part for ig in self._igs for part in ("--ig", _guide(ig, installation))]
        java_options = [
            f"-Xmx{self._heap}",
            *self._tier,
            "-XX:+UseSerialGC",
            "-Dfile.encoding=UTF-8",
            f"-Duser.home={installation.home}",
            *("-cp", installation.class_path),
        ]
        main_and_arguments = ["WarmValidator", *self._arguments, *guides]
        self._process = _ValidatorProcess(java_options, main_and_arguments)
        try:
            self._process.receive(_START_TIMEOUT)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the Java process; a stopped validator is left alone."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def validate(
        self, resource: bytes | str | os.PathLike[str], *, profiles: Sequence[str] = ()
    ) -> list[ValidatorIssue]:
        """Return what the validator finds in a resource: its bytes as JSON, or the path of a file.

        `profiles` are canonical URLs to hold it against, beside those in its `meta.profile`.
        An empty list, or one without errors, means valid. Bytes go through as they are: the line
        and column of an issue are those of the input. A file whose name ends in .xml is XML.
        """
        if isinstance(resource, bytes):
            name, content = "(input)", resource
        else:
            name, content = str(resource), _read(Path(resource))
        request = {
            "name": name,
            "format": "xml" if name.endswith(".xml") else "json",
            "base64": base64.b64encode(content).decode(),
            "profiles": list(profiles),
        }
        with self._one_at_a_time:
            if self._process is None:
                raise CounterpartError(VALIDATOR_STOPPED.issue("The validator was not started."))
            answer = self._process.ask(request, self._timeout)
        return [_issue(found) for found in answer["issues"]]

    def validate_many(
        self,
        resources: Iterable[bytes | str | os.PathLike[str]],
        *,
        profiles: Sequence[str] = (),
    ) -> list[list[ValidatorIssue]]:
        """Return the issues of each resource, in the order in which they came."""
        return [self.validate(resource, profiles=profiles) for resource in resources]

    def __enter__(self) -> Validator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _ValidatorProcess:
    """The Java process and the two pipes to it: one line out, one line back."""

    def __init__(self, java_options: list[str], main_and_arguments: list[str]) -> None:
        # The validator litters its temporary folder, so it gets one of its own.
        remove_old_runs()
        self._scratch = Path(tempfile.mkdtemp(prefix="validator-", dir=run_folder()))
        self.log = self._scratch / "validator.log"
        command = [
            find_program("java") or "java",
            *java_options,
            f"-Djava.io.tmpdir={self._scratch}",
            *main_and_arguments,
        ]
        with self.log.open("wb") as log:
            self._java = subprocess.Popen(  # noqa: S603 (no shell, our own arguments)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        # A pipe cannot be read with a timeout everywhere; a queue can.
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._reader.start()

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send one request and return its answer; an overdue process is ended."""
        try:
            _pipe(self._java.stdin).write(json.dumps(request).encode() + b"\n")
            _pipe(self._java.stdin).flush()
        except OSError:
            raise self._stopped("The validator has ended.") from None
        return self.receive(timeout)

    def receive(self, timeout: float) -> dict[str, Any]:
        """Return the next line of the process."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            # A late answer would be taken for that of the next resource.
            self._java.kill()
            raise self._stopped(f"The validator gave no answer within {timeout:g} s.") from None
        if line is None:
            raise self._stopped("The validator has ended.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process by ending its input; the log stays only where it failed."""
        failed = self._java.poll() is not None
        try:
            _pipe(self._java.stdin).close()
        except OSError:
            failed = True
        try:
            self._java.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._java.kill()
            self._java.wait()
        self._reader.join()
        _pipe(self._java.stdout).close()
        if not failed:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _read_lines(self) -> None:
        for line in _pipe(self._java.stdout):
            self._lines.put(line)
        self._lines.put(None)

    def _stopped(self, text: str) -> CounterpartError:
        shown = f"{text} Log {self.log}:\n{last_lines(self.log)}\n"
        return CounterpartError(VALIDATOR_STOPPED.issue(shown))


def _fetch_jars(folder: Path) -> None:
    require_programs("java", "javac", "mvn", "npm")  # All at once, not one after each download.
    shutil.copy(_POM, folder)
    run_program("mvn", "-B", "-q", f"-Dinstallation={folder}", "generate-resources", folder=folder)


def _make_package_cache(folder: Path, jars: Path) -> None:
    """Fill the home folder from whose `.fhir` the validator takes its definitions."""
    require_programs("java", "javac", "npm")
    cache = PackageCache(folder)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        work = Path(scratch)
        pins: dict[str, str] = json.loads(_NPM_PACKAGES.read_bytes())["dependencies"]
        run_program("npm", "pack", *(f"{name}@{pin}" for name, pin in pins.items()), folder=work)
        cache.add_npm_packages(work)
        compile_java(_DEFINITIONS, jars / "lib", work)
        core = cache.new_package("hl7.fhir.r4.core#4.0.1")
        run_program(
            "java", "-Xmx2g", "-cp", f"{work}:{jars}/lib/*", _DEFINITIONS.stem,
            str(_definitions_jar(jars, "r4")), str(core), folder=work,
        )  # fmt: skip
        cache.add_r4_core(core)
    cache.add_r5_packages(_definitions_jar(jars, "r5"))
    cache.add_empty_packages()


def _definitions_jar(jars: Path, release: str) -> Path:
    (jar,) = (jars / "definitions").glob(f"hapi-fhir-validation-resources-{release}-*.jar")
    return jar


def _guide(ig: str | Path, installation: ValidatorInstallation) -> str:
    """Return an `ig` as the Java process wants it; raises where there is no such thing."""
    path = Path(ig)
    if (path / "package" / "package.json").is_file():  # An unpacked package.
        return str((path / "package").absolute())
    if path.is_dir() or (path.is_file() and path.suffix == ".tgz"):
        return str(path.absolute())
    packages = installation.home / ".fhir" / "packages"
    if _PACKAGE_ID.fullmatch(str(ig)) and (packages / str(ig)).is_dir():
        return str(ig)
    text = f"{ig} is neither a folder, nor a .tgz file, nor a package in the cache."
    raise CounterpartError(INPUT_NOT_FOUND.issue(text))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        text = f"{file} cannot be read: {error.strerror}."
        raise CounterpartError(INPUT_NOT_FOUND.issue(text)) from None


def _issue(found: dict[str, Any]) -> ValidatorIssue:
    return ValidatorIssue(
        severity=found["severity"],
        code=found.get("code"),
        expression=found.get("expression"),
        line=found.get("line"),
        column=found.get("column"),
        message_id=found.get("messageId"),
        message=found.get("message") or "",
    )


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """Both pipes exist: the process is always made with them."""
    assert stream is not None
    return stream
