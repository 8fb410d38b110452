"""What has another name now keeps its rows: what is asked, what is declared, what comes along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from peewee import Field, Model, TextField

from engine.errors import LosesData
from engine.generate import generator as generator_module
from engine.generate.generator import Generator
from kernel.domain import Domain
from tests.support.databases import execute, query
from tests.support.runners import at
from tests.support.workshop import Register, Workshop


def table(name: str, /, **fields: Field) -> type[Model]:
    meta = type("Meta", (), {"table_name": name})
    return type(name.title(), (Model,), fields | {"Meta": meta})


def shop(*models: Callable[[], type[Model]]) -> Register:
    """A domain of these tables, made again for each build."""

    def register(domain: Domain) -> None:
        domain.models(*(model() for model in models))

    return register


def people(*columns: str) -> Register:
    """A table with these columns of text."""
    return shop(lambda: table("people", **{name: TextField(default="") for name in columns}))


class Answers:
    """Says yes to the renames that it was given, and takes down what it was asked."""

    def __init__(self, *true: str) -> None:
        self.true = true
        self.asked: list[str] = []

    def __call__(self, old: str, new: str) -> bool:
        self.asked.append(f"{old}:{new}")
        return self.asked[-1] in self.true


def test_all_questions_are_asked_within_one_build(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.first(people("name", "phone"))
    execute(workshop.url, "INSERT INTO people VALUES (DEFAULT, 'Ani', '08123')")
    built: list[str] = []
    build = generator_module.build

    def counted(*arguments: Any) -> None:
        built.append("once")
        build(*arguments)

    monkeypatch.setattr(generator_module, "build", counted)
    after = people("full_name", "whatsapp")
    answers = Answers("people.name:full_name", "people.phone:whatsapp")
    domains = workshop.domains(after)
    generator = Generator(domains, at(workshop.url, workshop.folder), ask=answers)
    generator.write(generator.generate("other_names"))
    assert built == ["once"]
    assert answers.asked[0] == "people.name:full_name"
    assert len(answers.asked) == len(set(answers.asked))
    workshop.runner.migrate()
    assert query(workshop.url, "SELECT full_name, whatsapp FROM people") == [("Ani", "08123")]


def test_what_was_declined_is_refused_and_asked_once(workshop: Workshop) -> None:
    workshop.first(people("name"))
    answers = Answers()
    domains = workshop.domains(people("title", "label"))
    generator = Generator(domains, at(workshop.url, workshop.folder), ask=answers)
    with pytest.raises(LosesData, match="would delete data") as refused:
        generator.generate("other_names")
    assert sorted(answers.asked) == ["people.name:label", "people.name:title"]
    assert "--allow-drop people.name" in refused.value.fix
