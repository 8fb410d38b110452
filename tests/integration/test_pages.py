"""The pages of the schema: they say what the catalogs say, fit together, and open in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import registry
from commands.docs import tell_unmerged
from pages import book
from pages.collect import collect
from pages.facts import SchemaFacts
from tests.support import browser
from tests.support.clones import Clone
from tests.support.databases import query
from tests.support.postgres import PostgresServer
from tests.support.project import ROOT
from tests.support.runners import at

CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)#]*)#?([^)]*)\)")


@pytest.fixture(scope="module")
def facts(server: PostgresServer) -> SchemaFacts:
    return collect(at(server.url("postgres")), "A provider", list(registry.load()))


@pytest.fixture(scope="module")
def folder(facts: SchemaFacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pages")
    book.write(place, book.files(facts))
    return place


def test_every_table_and_column_is_told(facts: SchemaFacts, shared_url: str) -> None:
    columns = query(
        shared_url,
        "SELECT table_name::text, column_name::text FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name NOT LIKE 'migrate%'",
    )
    told = {(t.name, column.name) for t in facts.tables().values() for column in t.columns}
    assert told == set(columns)


def test_every_link_leads_to_a_heading(folder: Path) -> None:
    for page in folder.rglob("*.md"):
        for target, anchor in LINK.findall(CODE.sub("", page.read_text())):
            other = (page.parent / target) if target else page
            assert other.is_file(), (page, target)
            headings = re.findall(r"^#+ (.*)$", other.read_text(), re.MULTILINE)
            assert not anchor or anchor in headings, (page, anchor)


def test_the_schema_as_sql_builds_the_schema(
    facts: SchemaFacts, empty_url: str, shared_url: str
) -> None:
    import psycopg2

    connection = psycopg2.connect(empty_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SET check_function_bodies = off")
        cursor.execute(facts.sql.replace("%", "%%") if "%%" in facts.sql else facts.sql)
    connection.close()
    tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'migrate%'"  # noqa: E501
    assert query(empty_url, tables.replace("%", "%%")) == query(
        shared_url, tables.replace("%", "%%")
    )


def test_stale_pages_are_named_and_written_once(facts: SchemaFacts, tmp_path: Path) -> None:
    texts = book.files(facts)
    assert book.write(tmp_path, texts) == sorted(texts)
    assert book.write(tmp_path, texts) == []
    (tmp_path / "customers.md").write_text("edited")
    (tmp_path / "gone.md").write_text("of a domain that was removed")
    assert book.stale(tmp_path, texts) == ["customers.md", "gone.md"]
    assert book.write(tmp_path, texts) == ["customers.md", "gone.md"]
    assert not (tmp_path / "gone.md").exists()
    assert json.loads(texts["schema.json"])["title"] == "A provider"


@pytest.mark.only("newest")
def test_a_merge_puts_no_two_pages_together(
    facts: SchemaFacts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two branches that both change the schema git keeps one side whole; what it is told then is
    what the task says."""
    clone, texts = Clone(tmp_path, ""), book.files(facts)
    (tmp_path / ".gitattributes").write_text((ROOT / ".gitattributes").read_text())

    def write(words: str) -> dict[str, str]:
        changed = {name: text.replace("Notes of the staff", words) for name, text in texts.items()}
        book.write(tmp_path / "docs/schema", changed)
        clone.commit()
        return changed

    clone.git("init", "-q", "-b", "main")
    write("What is known")
    clone.git("switch", "-q", "-c", "ani")
    write("What neighbours say")
    clone.git("switch", "-q", "main")
    mine = write("What the house is beside")
    with pytest.raises(AssertionError, match="Merge conflict"):
        clone.git("merge", "ani")
    assert len(clone.git("diff", "--name-only", "--diff-filter=U").splitlines()) >= 5
    assert book.stale(tmp_path / "docs/schema", mine) == []
    tell_unmerged(clone.project)
    told = capsys.readouterr().out
    (tmp_path / "docs/reference.md").write_text("made as well")
    clone.git(*told.rpartition("git ")[2].split())
    clone.git("commit", "-q", "--no-edit")
    tell_unmerged(clone.project)
    assert (told.count("\n"), capsys.readouterr().out) == (1, "")


@pytest.mark.only("newest")
@pytest.mark.skipif(not browser.installed(), reason="Debian's chromium is not installed")
def test_the_page_in_a_browser(folder: Path, tmp_path: Path) -> None:
    """Search, a foreign key followed, both languages and themes; no error, nothing fetched."""
    page = (folder / "index.html").as_uri()
    with browser.browser(str(tmp_path)) as chrome:
        chrome.get(f"{page}?lang=en")
        field = chrome.find_element(By.ID, "search")
        field.send_keys("vouchers.code")
        field.send_keys(Keys.ENTER)
        assert chrome.current_url.endswith("#c-vouchers-code")
        row = chrome.find_element(By.ID, "c-vouchers-batch_id")
        link = row.find_element(By.CSS_SELECTOR, "a.fk")
        chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", link)
        link.click()
        assert chrome.current_url.endswith("#t-voucher_batches")
        assert "Referred to by" in chrome.find_element(By.TAG_NAME, "main").text
        chrome.find_element(By.ID, "language").click()
        assert "Dirujuk oleh" in chrome.find_element(By.TAG_NAME, "main").text
        colour = "return getComputedStyle(document.body).backgroundColor"
        before = chrome.execute_script(colour)  # type: ignore[no-untyped-call]
        chrome.find_element(By.ID, "theme").click()
        assert chrome.execute_script(colour) != before  # type: ignore[no-untyped-call]
        assert _on_paper(chrome) == ["rgb(255, 255, 255)", "table-header-group", "none"]
        assert browser.console(chrome) == []
        asked = [url for url in browser.requests(chrome) if not url.startswith("chrome:")]
        assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
        assert page in {url.partition("?")[0] for url in asked}


def _on_paper(chrome: Chrome) -> list[str]:
    """How boxes, the heads of tables and the header look on A4, whatever the theme is."""
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    size = {"width": 700, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    script = """
        return [['.er .box rect', 'fill'], ['thead', 'display'], ['header', 'display']].map(
            ([what, how]) => getComputedStyle(document.querySelector(what))[how])
    """
    looks: list[str] = chrome.execute_script(script)  # type: ignore[no-untyped-call]
    return looks
