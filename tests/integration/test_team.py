"""Two people, two clones, two databases, one repository: none of them gets stuck."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from peewee import Model, TextField

from engine.drift.comparison import compare
from engine.errors import ConfigError, HistoryError, Refused
from engine.generate.generator import Generator
from engine.manage import environment
from engine.manage.amend import amendment
from kernel.domain import Domain
from tests.support.clones import Clone, clones
from tests.support.databases import execute, query, read
from tests.support.postgres import PostgresServer


@pytest.fixture
def ani_and_budi(server: PostgresServer, tmp_path: Path) -> Iterator[tuple[Clone, Clone]]:
    with clones(server, tmp_path, ["ani", "budi"]) as (ani, budi):
        yield ani, budi


def test_both_took_one_number_and_applied_it(ani_and_budi: tuple[Clone, Clone]) -> None:
    """What is on the main branch keeps its number; Budi's row follows his file."""
    ani, budi = ani_and_budi
    ani.write("002_ani", "of_ani")
    ani.runner.migrate()
    ani.push()
    budi.write("002_budi", "of_budi")
    budi.write("003_budi_too", "of_budi_too")
    budi.runner.migrate()
    budi.commit()
    budi.pull()
    assert budi.problems() == [
        "the number 002 is used twice: 002_ani, 002_budi; `invoke renumber` gives one of them the "
        "next free number.",
        "002_ani is pending, but 003 is applied already; the main branch has it, so that other "
        "databases may have run it in that order: run `invoke rollback` and `invoke migrate` here; "
        "or, if it is applied nowhere, `invoke renumber 002_ani`, and commit that.",
    ]
    assert budi.renumber() == [("002_budi", "003_budi"), ("003_budi_too", "004_budi_too")]
    assert budi.states() == {
        "001_first": "applied",
        "002_ani": "pending",
        "003_budi": "applied",
        "004_budi_too": "applied",
    }
    (late,) = budi.problems()
    assert "`invoke rollback --steps 2` and `invoke migrate` here" in late
    assert budi.runner.rollback(2) == ["004_budi_too", "003_budi"]
    assert budi.runner.migrate() == ["002_ani", "003_budi", "004_budi_too"]
    budi.push()
    ani.pull()
    assert ani.runner.migrate() == ["003_budi", "004_budi_too"]
    assert (ani.problems(), budi.problems()) == ([], [])
    assert read(ani.url) == read(budi.url)
    assert ani.renumber() == budi.renumber() == []


def test_a_file_is_renumbered_that_another_had_applied(ani_and_budi: tuple[Clone, Clone]) -> None:
    """Ani's row follows her file, and nobody has to know what a checksum is."""
    ani, budi = ani_and_budi
    ani.write("002_ani", "of_ani")
    ani.runner.migrate()
    ani.push()
    budi.pull()
    budi.write("002_budi", "of_budi")
    assert budi.renumber("002_ani") == [("002_ani", "003_ani")]
    budi.push()
    ani.pull()
    assert ani.states()["003_ani"] == "applied"
    with pytest.raises(HistoryError, match="002_budi is pending, but 003 is applied"):
        ani.runner.migrate()
    (problem,) = ani.problems()
    assert "run `invoke rollback` and `invoke migrate` here" in problem
    assert ani.runner.rollback() == ["003_ani"]
    assert ani.runner.migrate() == ["002_budi", "003_ani"]
    with pytest.raises(ConfigError, match="no migration '002_ani' to renumber"):
        ani.renumber("002_ani")


def test_what_was_written_together_moves_together(ani_and_budi: tuple[Clone, Clone]) -> None:
    """The second of two files needs what the first one makes."""
    ani, budi = ani_and_budi
    ani.write("002_code", "code")
    ani.write("003_code_online", "code_online", together=True)
    ani.write("004_other", "other")
    assert ani.renumber("002_code") == [
        ("002_code", "005_code"),
        ("003_code_online", "006_code_online"),
    ]
    for name, together in (("002_a", False), ("002_b", False), ("003_b_online", True)):
        budi.write(name, name[4:], together=together)
    budi.write("003_a_online", "a_online", together=True)
    moves = budi.renumber("002_b")
    assert moves == [("002_b", "004_b"), ("003_b_online", "005_b_online")]


def test_the_row_follows_and_so_does_the_reading(ani_and_budi: tuple[Clone, Clone]) -> None:
    ani, _ = ani_and_budi
    ani.write("002_ani", "of_ani")
    ani.runner.migrate()
    assert ani.renumber("001_first") == [("001_first", "003_first")]
    assert ani.runner.migrate() == []
    names = "SELECT name FROM migratehistory ORDER BY id"
    assert query(ani.url, names) == [("003_first",), ("002_ani",)]
    comparison = compare(ani.project)
    assert (comparison.drifts, comparison.source[:15]) == ((), "what the run of")
    assert ani.runner.rollback(2) == ["003_first", "002_ani"]


def test_the_text_is_what_a_row_follows(ani_and_budi: tuple[Clone, Clone]) -> None:
    """Neither a copy nor a file of the same title with another text takes the row."""
    ani, _ = ani_and_budi
    folder = ani.project.migrations
    (folder / "002_copy.py").write_text((folder / "001_first.py").read_text())
    assert ani.states() == {"001_first": "applied", "002_copy": "pending"}
    (folder / "001_first.py").unlink()
    (folder / "002_copy.py").unlink()
    ani.write("002_first", "other")
    assert ani.states() == {"001_first": "missing", "002_first": "pending"}
    (problem,) = ani.problems()
    assert "give migrations/002_first.py the text back that was applied" in problem


def test_a_file_that_is_gone_comes_back_by_the_command_that_is_told(
    ani_and_budi: tuple[Clone, Clone],
) -> None:
    """Deleted by mistake, deleted in a commit, put aside, or on another branch."""
    ani, _ = ani_and_budi
    path = ani.project.migrations / "001_first.py"

    def told() -> str:
        (problem,) = ani.problems()
        assert problem.startswith("001_first is applied, but its file is missing; ")
        return problem

    def bring_back() -> None:
        command = told().split("`")[-2]
        ani.git(*command.removeprefix("git ").split())
        assert (path.exists(), ani.problems()) == (True, [])

    path.unlink()
    assert "`git checkout HEAD -- migrations/001_first.py` brings it back" in told()
    bring_back()
    ani.git("rm", "-q", "migrations/001_first.py")
    ani.commit()
    bring_back()
    ani.commit()
    ani.write("002_ani", "of_ani")
    ani.runner.migrate()
    ani.git("stash", "push", "-q", "--include-untracked")
    (problem,) = ani.problems()
    assert problem.endswith("missing; `git stash pop stash@{0}` brings it back.")
    ani.git("stash", "pop", "-q", "stash@{0}")
    assert ani.problems() == []
    ani.runner.rollback()
    (ani.project.migrations / "002_ani.py").unlink()
    ani.git("switch", "-q", "--orphan", "other")
    ani.git("commit", "-q", "--allow-empty", "-m", "Begin another branch")
    ani.project.migrations.mkdir(exist_ok=True)
    assert "it is on the branch main: there `invoke rollback` undoes it" in told()
    bring_back()


def test_an_edit_that_was_committed_is_undone_by_the_command_that_is_told(
    ani_and_budi: tuple[Clone, Clone],
) -> None:
    """HEAD has the edit, so `git checkout HEAD` changed nothing."""
    ani, _ = ani_and_budi
    path = ani.project.migrations / "001_first.py"
    for _ in range(2):
        path.write_text(path.read_text() + "# later\n")
        ani.commit()
    path.write_text(path.read_text() + "# and later\n")
    (problem,) = ani.problems()
    command = problem.partition("(git ")[2].partition(")")[0]
    ani.git(*command.split())
    assert ani.problems() == []


def test_without_git_what_is_applied_keeps_its_number(
    ani_and_budi: tuple[Clone, Clone], tmp_path: Path
) -> None:
    ani, _ = ani_and_budi
    (ani.project.root / ".git").rename(tmp_path / "away")
    for name, table in (("001_second", "t"), ("002_second", "u"), ("005_far", "v")):
        ani.write(name, table)
    (problem,) = ani.problems()
    assert problem.endswith("`invoke renumber` gives one of them the next free number.")
    assert ani.renumber() == [("001_second", "002_second"), ("002_second", "003_second")]
    assert ani.runner.migrate() == ["002_second", "003_second", "005_far"]
    (ani.project.migrations / "005_far.py").unlink()
    (problem,) = ani.problems()
    assert "restore it from the release that this database was migrated with" in problem
    assert "written again by `invoke generate " in problem


# ── writing the newest file again ───────────────────────────────────────────────────────────────


def things(*columns: str) -> list[Domain]:
    """A domain with a table of these columns of text."""
    fields = {column: TextField(default="") for column in columns}
    meta = type("Meta", (), {"table_name": "things"})
    domain = Domain("shop", "domains/shop")
    domain.models(type("Thing", (Model,), fields | {"Meta": meta}))
    return [domain]


def generate(clone: Clone, title: str, domains: list[Domain]) -> list[str]:
    generator = Generator(domains, clone.project, allow_drop=["first"])
    return [path.stem for path in generator.write(generator.generate(title))]


def amend(clone: Clone, domains: list[Domain], *, losing: bool = False) -> list[str]:
    """The names of the files that `generate --amend` writes."""
    amended = amendment(clone.project)
    generator = Generator(domains, clone.project, allow_drop=["first"], files=amended.kept)
    files = generator.generate(amended.title)
    paths = amended.carry_out(clone.runner, lambda: generator.write(files), losing=losing)
    return [path.stem for path in paths]


def test_the_newest_file_is_written_again(ani_and_budi: tuple[Clone, Clone]) -> None:
    ani, _ = ani_and_budi
    assert generate(ani, "things", things("nmae")) == ["002_things"]
    ani.runner.migrate()
    assert amend(ani, things("name")) == ["002_things"]
    assert ani.states() == {"001_first": "applied", "002_things": "applied"}
    assert list(read(ani.url).tables["things"].columns) == ["id", "name"]
    folder = ani.project.migrations
    assert "nmae" in (folder / "002_things.py.replaced").read_text()
    assert "nmae" not in (folder / "002_things.py").read_text()
    assert generate(ani, "nothing", things("name")) == []


def test_values_that_would_be_lost_keep_the_file_as_it_is(
    ani_and_budi: tuple[Clone, Clone],
) -> None:
    ani, _ = ani_and_budi
    assert generate(ani, "things", things("nmae")) == ["002_things"]
    ani.runner.migrate()
    execute(ani.url, "INSERT INTO things (nmae) VALUES ('kept')")
    before = (ani.project.migrations / "002_things.py").read_text()
    with pytest.raises(Refused, match="would lose what is in: things") as refused:
        amend(ani, things("name"))
    assert re.search(r"make a backup \(invoke backup\), then .* --yes", refused.value.fix)
    assert (ani.project.migrations / "002_things.py").read_text() == before
    assert query(ani.url, "SELECT nmae FROM things") == [("kept",)]
    assert ani.states() == {"001_first": "applied", "002_things": "applied"}
    assert amend(ani, things("name"), losing=True) == ["002_things"]
    assert query(ani.url, "SELECT name FROM things") == []


def two_files(ani: Clone) -> None:
    """Let the newest generate have written two files that belong together."""
    generate(ani, "things", things("name"))
    ani.runner.migrate()
    domains = things("name", "code")
    domains[0].index(domains[0].tables[0], "upper(name)", name="things_upper_idx")
    assert generate(ani, "code", domains) == ["003_code", "004_code_online"]


def test_where_the_first_of_two_files_is_refused_the_second_stays(
    ani_and_budi: tuple[Clone, Clone],
) -> None:
    ani, _ = ani_and_budi
    two_files(ani)
    ani.runner.migrate()
    execute(ani.url, "INSERT INTO things (name, code) VALUES ('a', 'kept')")
    with pytest.raises(Refused):
        amend(ani, things("name", "label"))
    assert set(ani.states().values()) == {"applied"}


def test_files_of_one_generate_are_replaced_together(ani_and_budi: tuple[Clone, Clone]) -> None:
    """The second says that it belongs to the first; one that is pending needs no rollback."""
    ani, _ = ani_and_budi
    two_files(ani)
    assert amend(ani, things("name", "label")) == ["003_code"]
    assert ani.states()["003_code"] == "pending"
    assert ani.names() == ["001_first", "002_things", "003_code"]


def test_what_others_may_have_run_is_never_written_again(
    ani_and_budi: tuple[Clone, Clone],
) -> None:
    ani, budi = ani_and_budi
    with pytest.raises(Refused, match="001_first was written by hand"):
        amendment(ani.project)
    generate(ani, "things", things("name"))
    ani.runner.migrate()
    execute(ani.url, "UPDATE migratehistory SET applied_from = 'elsewhere'")
    with pytest.raises(Refused, match="002_things was applied here from another host, elsewhere"):
        amendment(ani.project)
    execute(ani.url, "UPDATE migratehistory SET applied_from = NULL")
    environment.keep(ani.project, "staging")
    with pytest.raises(Refused, match="is a staging database"):
        amendment(ani.project)
    environment.keep(ani.project, "test")
    ani.push()
    with pytest.raises(Refused, match="002_things is on origin/main") as refused:
        amendment(ani.project)
    assert "without --amend: invoke generate" in refused.value.fix
    budi.pull()
    with pytest.raises(Refused, match="002_things is on origin/main"):
        amendment(budi.project)
