"""``andante audit`` lists what operators did, and says whether the list is as it was written."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
import typer
from books_desk import books
from typer.testing import CliRunner

from andante.cli.audit import audit
from andante.vocabulary.fault import InputFault, StoreUnreadable

app = typer.Typer()
app.command()(audit)


@pytest.fixture
def db(tmp_path):
    with books(tmp_path) as opened:
        for n in range(3):
            opened.audit.note("ann", "switch", "[red]global", {"n": n})
        opened.audit.note("bea", "rules.apply", "the rules", {}, refused="the rules\x1b[2J have changed")
    return tmp_path / "shop.db"


def run(*arguments, **more):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"}, **more)


def test_it_lists_who_did_what_latest_first(db):
    told = run(db)
    assert told.exit_code == 0
    assert "refused: the rules?[2J have changed" in told.output
    assert told.output.index("rules.apply") < told.output.index("[red]global")
    assert "\x1b[2J" not in told.output


def test_it_prints_json_of_some(db):
    entries = json.loads(run(db, "--json", "--action", "switch", "--limit", 2, "--before", 3).output)["entries"]
    assert [(one["number"], one["who"], one["detail"]) for one in entries] == [
        (2, "ann", {"n": 1}),
        (1, "ann", {"n": 0}),
    ]


def test_it_verifies_and_prints_a_head_that_can_be_expected_later(db):
    told = run(db, "--verify")
    assert (told.exit_code, told.output.splitlines()[0]) == (0, "the chain holds: 4 entries")
    head = told.output.split()[-1]
    with books(db.parent) as opened:
        opened.audit.note("ann", "switch", "global", {})
    assert run(db, "--expect", head).exit_code == 0
    assert json.loads(run(db, "--verify", "--json").output)["holds"] is True


def test_the_books_may_be_named_themselves_while_they_are_open(db):
    with books(db.parent) as opened:
        opened.audit.note("ann", "switch", "global", {})
        assert run(f"{db}.operators", "--verify").output.startswith("the chain holds: 5")


def test_a_broken_chain_ends_with_one(db):
    with closing(sqlite3.connect(f"{db}.operators", isolation_level=None)) as connection:
        connection.execute("UPDATE audit SET entry = replace(entry, 'ann', 'bob') WHERE number = 2")
    told = run(db, "--verify")
    assert told.exit_code == 1
    assert "broken at entry 2 (edited)" in told.stderr
    found = json.loads(run(db, "--verify", "--json").output)
    assert (found["holds"], found["broken"]["number"]) == (False, 2)
    assert run(db).exit_code == 0, "it can still be read"


def test_a_head_from_elsewhere_that_is_not_in_the_chain_ends_with_one(db):
    assert run(db, "--expect", "4:" + "0" * 64).exit_code == 1
    assert run(db, "--expect", "9:" + "0" * 64).exit_code == 1
    told = run(db, "--expect", "no head")
    assert isinstance(told.exception, InputFault)


def test_a_database_without_books_is_a_fault_and_makes_none(tmp_path):
    told = run(tmp_path / "shop.db")
    assert isinstance(told.exception, StoreUnreadable)
    assert list(tmp_path.iterdir()) == []
