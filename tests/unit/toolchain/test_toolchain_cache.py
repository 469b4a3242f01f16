"""The cache: keyed by the recipe, built once, whole or absent. Real processes, no Java."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fhir_backpain.toolchain.cache import (
    build_once,
    cache_root,
    product_folder,
    recipe_key,
    remove_old_runs,
    run_folder,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FHIR_BACKPAIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fhir-backpain"


@pytest.fixture
def recipe(tmp_path) -> Path:
    file = tmp_path / "pom.xml"
    file.write_text("<version>1</version>")
    return file


def write_product(folder: Path) -> None:
    (folder / "product").write_text("whole")


def test_the_root_is_where_the_environment_says(cache, tmp_path, monkeypatch):
    assert cache_root() == cache
    monkeypatch.delenv("FHIR_BACKPAIN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "fhir-backpain"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_root() == tmp_path / "home" / ".cache" / "fhir-backpain"
    assert run_folder().is_dir()


def test_what_killed_runs_left_is_removed_after_a_month():
    old, young = run_folder() / "old", run_folder() / "young.log"
    old.mkdir()
    (old / "validator.log").write_text("")
    young.write_text("")
    month_ago = time.time() - 31 * 86_400
    os.utime(old, (month_ago, month_ago))

    remove_old_runs()

    assert list(run_folder().iterdir()) == [young]


def test_the_key_follows_names_and_bytes_and_not_the_order(tmp_path, recipe):
    other = tmp_path / "Server.java"
    other.write_text("class Server {}")
    key = recipe_key([recipe, other])

    assert recipe_key([other, recipe]) == key
    assert recipe_key([recipe]) != key
    renamed = other.rename(tmp_path / "Other.java")
    assert recipe_key([recipe, renamed]) != key
    renamed.write_text("class Server { }")
    assert recipe_key([recipe, renamed.rename(other)]) != key


def test_bytes_that_move_from_one_file_to_the_next_change_the_key(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("12")
    second.write_text("3")
    key = recipe_key([first, second])
    first.write_text("1")
    second.write_text("23")

    assert recipe_key([first, second]) != key


def test_a_product_is_built_once(recipe):
    built = build_once("tool", [recipe], write_product)

    again = build_once("tool", [recipe], lambda folder: pytest.fail("built again"))

    assert again == built == product_folder("tool", [recipe])
    assert (built / "product").read_text() == "whole"


def test_a_changed_recipe_makes_a_new_product_and_keeps_the_old(recipe):
    old = build_once("tool", [recipe], write_product)
    recipe.write_text("<version>2</version>")

    new = build_once("tool", [recipe], write_product)

    assert new != old
    assert old.is_dir()


def test_a_failed_build_leaves_nothing(recipe, cache):
    def fail(folder: Path) -> None:
        write_product(folder)
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        build_once("tool", [recipe], fail)

    assert [path for path in cache.iterdir() if path.is_dir()] == []


def run_builder(recipe: Path, body: str) -> subprocess.Popen[bytes]:
    """Start another process that builds the same product with `body`."""
    script = f"""
import os, signal, time
from pathlib import Path
from fhir_backpain.toolchain.cache import build_once

def build(folder):
{body}

print(build_once("tool", [Path({str(recipe)!r})], build), flush=True)
"""
    command = [sys.executable, "-c", script]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_build_killed_half_way_is_done_anew(recipe, cache):
    killed = run_builder(
        recipe,
        "    (folder / 'product').write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)",
    )
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert not product_folder("tool", [recipe]).exists()
    assert list(cache.glob(".*unfinished*/product"))  # The kill did come half-way.

    built = build_once("tool", [recipe], write_product)

    assert (built / "product").read_text() == "whole"
    assert list(cache.glob(".*unfinished*")) == []


def test_what_an_orphaned_download_wrote_late_is_removed(recipe):
    """Maven goes on for a while after its parent was killed, and makes its folders anew."""
    built = build_once("tool", [recipe], write_product)
    late = built.parent / f".{built.name}.unfinished-late"
    late.mkdir()

    build_once("tool", [recipe], write_product)

    assert not late.exists()


def test_two_processes_build_once(recipe, tmp_path):
    log = tmp_path / "builds"
    body = (
        f"    with open({str(log)!r}, 'a') as log: log.write('built\\n')\n"
        "    time.sleep(0.5)\n"
        "    (folder / 'product').write_text('whole')"
    )
    processes = [run_builder(recipe, body) for _ in range(3)]
    outputs = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert log.read_text() == "built\n"
    assert {out.decode().strip() for out, _ in outputs} == {str(product_folder("tool", [recipe]))}
