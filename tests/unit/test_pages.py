"""The parts of the schema's pages that need no server: words, diagrams, where boxes stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import book, in_words
from pages.facts import DomainFacts, SchemaFacts, TableFacts
from pages.layout import MARGIN, WIDTH, Box, Edge, place
from pages.words import LANGUAGES, WORDS


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("CHECK (amount >= 0)", "amount is not negative"),
        ("CHECK (btrim(name) <> ''::text)", "name is not blank"),
        ("CHECK (octet_length(token_hash) = 32)", "token_hash has 32 bytes"),
        (
            "CHECK (fee_bp >= 0 AND fee_bp <= 10000)",
            "fee_bp is between 0 and 10000",
        ),
        (
            "CHECK (amount >= 0 AND amount <= '1000000000000000'::bigint)",
            "amount is between 0 and 1000000000000000",
        ),
        (
            "CHECK (paid_at >= to_timestamp(946684800::double precision) AND "
            "paid_at <= to_timestamp('4102444799'::bigint::double precision))",
            "paid_at lies between 2000 and 2099",
        ),
        ("CHECK (a > b)", "`a > b`"),
        ("CHECK (a >= 0 AND b <= 9)", "`a >= 0 AND b <= 9`"),
    ],
)
def test_a_check_in_words(definition: str, words: str) -> None:
    assert in_words.check(definition) == words


def test_a_trigger_in_words() -> None:
    deferred = (
        "CREATE CONSTRAINT TRIGGER sums AFTER INSERT OR UPDATE ON items DEFERRABLE INITIALLY "
        "DEFERRED FOR EACH ROW EXECUTE FUNCTION check_sums('x')"
    )
    assert in_words.trigger(deferred, "Sums fit.") == (
        "at the end of the transaction, after INSERT or UPDATE, for each row: `check_sums`. "
        "Sums fit."
    )


def test_no_diagram_is_drawn_that_nobody_could_read() -> None:
    table = TableFacts("t", "shop", "", (), (), (), (), (), (), ())
    for many, drawn in ((40, True), (41, False)):
        domain = DomainFacts("shop", "", (), (table,) * many, (), (), (), ())
        facts = SchemaFacts("A shop", 18, (domain,), (), "")
        texts = book.files(facts)
        assert ("erDiagram" in texts["shop.md"]) is drawn
        assert ("Too many tables for one diagram." in texts["index.html"]) is not drawn


def test_each_word_is_there_in_each_language() -> None:
    assert all(len(words) == len(LANGUAGES) and all(words) for words in WORDS.values())


@given(
    st.integers(1, 12).flatmap(
        lambda size: st.tuples(
            st.just(size),
            st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=30),
        )
    )
)
def test_no_box_covers_another(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    """Whatever refers to what, circles and tables that refer to themselves included."""
    size, pairs = drawn
    boxes = [Box(f"t{number}", ("id",) * (number % 4)) for number in range(size)]
    edges = [Edge(f"t{source}", "id", f"t{target}") for source, target in pairs]
    placed, width, height = place(boxes, edges)
    items = list(placed.values())
    assert len(items) == size
    for item in items:
        assert MARGIN <= item.x <= width - WIDTH
        assert MARGIN <= item.y <= height - item.box.height
    for number, one in enumerate(items):
        for other in items[number + 1 :]:
            apart = one.x != other.x or (
                one.y + one.box.height < other.y or other.y + other.box.height < one.y
            )
            assert apart
