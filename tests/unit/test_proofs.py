"""What was proven is kept only as long as nothing has changed that it depends on, and believed only
where nobody else can have written it."""

from __future__ import annotations

import importlib.resources
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from engine.project import Project
from engine.proofs import private_records
from engine.proofs.inputs import TICK_NANOSECONDS, InputKind, inputs_of, now
from engine.proofs.proofs import OF_THE_DATABASE, Proofs
from engine.proofs.reads import watching
from project import PROJECT

VARIABLE = "ENGINE_TEST_INPUT"


def edited(path: Path) -> None:
    path.write_text("new\n")


def another_module(folder: Path) -> None:
    (folder / "another.py").touch()


def another_package(folder: Path) -> None:
    (folder / "other-1.0.dist-info").mkdir()


def variable(_: Path) -> None:
    os.environ[VARIABLE] = "new"


# How each kind of input changes, and of what: the folder, the file in it, a variable.
CHANGES: dict[InputKind, tuple[str, Callable[[Path], None]]] = {
    InputKind.SOURCE: ("{file}", edited),
    InputKind.LIBRARY: ("{file}", edited),
    InputKind.FILE: ("{file}", edited),
    InputKind.MODULES: ("{folder}", another_module),
    InputKind.FOLDER: ("{folder}", another_module),
    InputKind.PACKAGES: ("{folder}", another_package),
    InputKind.VARIABLE: (VARIABLE, variable),
    InputKind.ENVIRONMENT: ("", variable),
}


@pytest.mark.parametrize("kind", InputKind)
def test_every_kind_of_input_tells_when_it_is_another(
    kind: InputKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "old")
    file = tmp_path / "module.py"
    file.write_text("old\n")
    form, change = CHANGES[kind]
    name = form.format(file=file, folder=tmp_path)
    before = now(kind, name)
    assert now(kind, name) == before
    change(file if form == "{file}" else tmp_path)
    assert now(kind, name) != before


@pytest.mark.parametrize(
    "field", [f.name for f in fields(Project) if f.name not in OF_THE_DATABASE]
)
def test_every_word_of_the_project_is_a_part_of_the_key(field: str) -> None:
    another = Path("/another") if isinstance(getattr(PROJECT, field), Path) else ("another",)
    changed = Proofs(replace(PROJECT, **{field: another}))
    proofs = Proofs(PROJECT)
    proofs.server = changed.server = "the same"
    assert proofs._key("generate", {}) == proofs._key("generate", {})
    assert proofs._key("generate", {}) != changed._key("generate", {})


@pytest.mark.parametrize("change", ["server", "about", "parts", "path"])
def test_the_rest_of_the_key_counts(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proofs = Proofs(PROJECT)
    proofs.server = "one"
    before = proofs._key("generate", {"files": "one"})
    about, files = "generate", "one"
    if change == "server":
        proofs.server = "another"
    elif change == "about":
        about = "check"
    elif change == "parts":
        files = "another"
    else:
        monkeypatch.setattr(sys, "path", [*sys.path, "/another"])
    assert proofs._key(about, {"files": files}) != before


def test_what_code_reads_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "value")
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").touch()
    (tmp_path / "package/data.txt").write_text("x")
    monkeypatch.syspath_prepend(tmp_path)
    with watching() as reads:
        package = __import__("package")
        importlib.resources.files(package).joinpath("data.txt").read_text()
        os.environ.get(VARIABLE)
        os.environ.get("ENGINE_TEST_NOT_SET")
        list(tmp_path.iterdir())
        (tmp_path / "not_there").exists()
        (tmp_path / "written").write_text("x")
        with pytest.raises(OSError):
            (tmp_path / "missing").read_text()
    assert reads.files == {str(tmp_path / "package/data.txt"), str(tmp_path / "missing")}
    assert reads.folders == {str(tmp_path)}
    assert reads.variables == {VARIABLE: "value", "ENGINE_TEST_NOT_SET": None}
    assert (reads.all_variables, reads.doubt) == (False, "")
    (tmp_path / "package/data.txt").read_text()
    assert os.environ["PATH"] and "PATH" not in reads.variables, "afterwards nothing is"


@pytest.mark.parametrize(
    ("act", "doubt"),
    [
        (lambda: subprocess.run(["true"], check=True), "subprocess.Popen"),
        (lambda: os.system("true"), "os.system"),
    ],
)
def test_what_leads_out_of_the_process_is_a_doubt(act: Callable[[], None], doubt: str) -> None:
    with watching() as reads:
        act()
    assert reads.doubt == doubt


def test_the_whole_environment_counts_where_it_was_gone_through() -> None:
    with watching() as reads:
        dict(os.environ)
    assert reads.all_variables


@pytest.mark.parametrize("changed", ["one.txt", "two.txt"])
def test_what_changes_while_it_is_read_is_not_kept(changed: str, tmp_path: Path) -> None:
    """The proof is of what was there, and the digest would be of what is there at the end."""
    (tmp_path / "one.txt").write_text("old")
    time.sleep(2 * TICK_NANOSECONDS / 1e9)
    since = time.time_ns()
    with watching() as reads:
        for path in list(tmp_path.iterdir()):
            path.read_text()

    def kept() -> bool:
        return inputs_of(reads, lambda module: False, since, tmp_path / "migrations") is not None

    assert kept()
    (tmp_path / changed).write_text("new")
    assert not kept()


def writable_folder(folder: Path) -> None:
    folder.chmod(0o770)


def writable_record(folder: Path) -> None:
    (folder / "one").chmod(0o620)


def linked_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))


def linked_record(folder: Path) -> None:
    (folder / "one").rename(folder / "two")
    (folder / "one").symlink_to("two")


def second_name(folder: Path) -> None:
    os.link(folder / "one", folder.with_name("two"))


def cut_short(folder: Path) -> None:
    text = (folder / "one").read_bytes()
    (folder / "one").write_bytes(text[:-1])


def changed(folder: Path) -> None:
    text = (folder / "one").read_bytes()
    (folder / "one").write_bytes(text.replace(b"true", b"null"))


def emptied(folder: Path) -> None:
    (folder / "one").write_bytes(b"")


def pipe(folder: Path) -> None:
    (folder / "one").unlink()
    os.mkfifo(folder / "one", 0o600)


DOUBTS = (
    *(writable_folder, writable_record, linked_folder, linked_record, second_name),
    *(cut_short, changed, emptied, pipe),
)


@pytest.mark.parametrize("doubtful", DOUBTS)
def test_what_is_in_doubt_is_not_believed(doubtful: Callable[[Path], None], tmp_path: Path) -> None:
    folder = tmp_path / "proofs"
    private_records.write(folder, "one", {"proven": True})
    assert private_records.read(folder, "one") == {"proven": True}
    doubtful(folder)
    assert private_records.read(folder, "one") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("given", ["", "one"])
def test_what_another_user_owns_is_not_believed(given: str, tmp_path: Path) -> None:
    folder = tmp_path / "proofs"
    private_records.write(folder, "one", True)
    os.chown(folder / given, 12345, -1)
    assert private_records.read(folder, "one") is None


def test_only_so_much_is_kept_and_what_was_used_last(tmp_path: Path) -> None:
    folder = tmp_path / "proofs"
    for number in range(private_records.RECORDS_AT_MOST + 3):
        private_records.write(folder, f"{number:03}", number)
        os.utime(folder / f"{number:03}", ns=(number, number))
        assert private_records.read(folder, "000") == 0, "it is used each time, so it stays"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == private_records.RECORDS_AT_MOST + 1
    assert names[:3] == [".gitignore", "000", "004"]


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "proofs").write_text("a file, where the folder should be")
    private_records.write(tmp_path / "proofs", "one", True)
    assert private_records.read(tmp_path / "proofs", "one") is None
