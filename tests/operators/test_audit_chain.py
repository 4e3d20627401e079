"""Promise 19: the audit chain shows edits, deletions, reordering and truncation; and what it cannot show, it says."""

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from books_desk import NOON, books
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.operators.audit import HEAD, Audit
from andante.operators.chain import NOTHING, Head, read_head
from andante.vocabulary.fault import InputFault, StoreFault, StoreUnreadable

ENTRIES = 6
BOOKS = "shop.db.operators"


def fill(opened, count=ENTRIES, first=0):
    for n in range(first, first + count):
        opened.audit.note(f"operator-{n % 2}", "switch", "global", {"on": bool(n % 2), "n": n})


@pytest.fixture
def folder(tmp_path):
    with books(tmp_path) as opened:
        fill(opened)
    return tmp_path


def change(folder, *statements):
    with closing(sqlite3.connect(folder / BOOKS, isolation_level=None)) as connection:
        for statement, *given_to_it in statements:
            connection.execute(statement, *given_to_it)


def rows(folder):
    with closing(sqlite3.connect(folder / BOOKS)) as connection:
        return connection.execute("SELECT number, entry, hash FROM audit ORDER BY number").fetchall()


def broken(folder, expected=None):
    with closing(Audit.reading(folder / BOOKS)) as audit:
        return audit.verify(expected)


def rewrite(folder, said):
    """Write all entries anew, so that the chain holds in itself: what whoever can write the file can do."""
    previous, written = "0" * 64, []
    for number, entry in enumerate(said, 1):
        text = json.dumps({**entry, "number": number, "previous": previous}, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(text.encode()).hexdigest()
        written.append((number, text, previous))
    change(
        folder,
        ("DELETE FROM audit",),
        *(("INSERT INTO audit (number, entry, hash) VALUES (?,?,?)", r) for r in written),
    )
    return Head(len(written), previous)


def test_an_untouched_chain_holds_and_says_who_did_what_and_when(folder):
    assert broken(folder) is None
    with books(folder) as opened:
        latest, *_, first = opened.audit.entries()
        assert (first.number, latest.number) == (1, ENTRIES)
        assert (first.who, first.action, first.subject, first.at) == ("operator-0", "switch", "global", NOON)
        assert first.detail == {"n": 0, "on": False}
        assert latest.previous == opened.audit.entries(before=ENTRIES, limit=1)[0].hash
        assert str(opened.audit.head) == f"{ENTRIES}:{latest.hash}"


@pytest.mark.parametrize("number", range(1, ENTRIES + 1))
@pytest.mark.parametrize("name", ["at_us", "who", "action", "subject", "detail", "refused", "previous", "number"])
def test_an_edit_of_any_field_of_any_entry_is_found_at_that_entry(folder, number, name):
    text = {n: t for n, t, _ in rows(folder)}[number]
    edited = json.loads(text)
    edited[name] = "x" if edited[name] != "x" else "y"
    change(folder, ("UPDATE audit SET entry = ? WHERE number = ?", (json.dumps(edited), number)))
    assert broken(folder).number == number
    # also where the hash is made anew, which only the next entry, or the head, gives away
    said = json.dumps(edited, sort_keys=True, separators=(",", ":"))
    new = (said, hashlib.sha256(said.encode()).hexdigest(), number)
    change(folder, ("UPDATE audit SET entry = ?, hash = ? WHERE number = ?", new))
    assert broken(folder).number in {number, number + 1}


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_byte_of_an_entry_or_a_hash_changes_unseen(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")
    with books(folder) as opened:
        fill(opened, 3)
    number, text, said = data.draw(st.sampled_from(rows(folder)))
    column, value = data.draw(st.sampled_from([("entry", text), ("hash", said)]))
    place = data.draw(st.integers(0, len(value) - 1))
    byte = data.draw(st.integers(0, 127).filter(lambda code: chr(code) != value[place]))
    changed = value[:place] + chr(byte) + value[place + 1 :]
    change(folder, (f"UPDATE audit SET {column} = ? WHERE number = ?", (changed, number)))
    assert broken(folder) is not None


@pytest.mark.parametrize("number", range(1, ENTRIES + 1))
def test_a_deleted_entry_is_found_renumbered_or_not(folder, number):
    shutil.copytree(folder, copy := folder / "copy")
    change(folder, ("DELETE FROM audit WHERE number = ?", (number,)))
    assert (broken(folder).number, broken(folder).kind) == (number, "cut" if number == ENTRIES else "missing")
    delete = ("DELETE FROM audit WHERE number = ?", (number,))
    moves = [("UPDATE audit SET number = ? WHERE number = ?", (n - 1, n)) for n in range(number + 1, ENTRIES + 1)]
    change(copy, delete, *moves)
    assert broken(copy) is not None


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 5), (5, 6), (1, 6)])
def test_reordered_entries_are_found(folder, one, other):
    swap = "UPDATE audit SET number = ? WHERE number = ?"
    change(folder, (swap, (99, one)), (swap, (one, other)), (swap, (other, 99)))
    assert broken(folder).number == one


@pytest.mark.parametrize("left", range(ENTRIES))
def test_a_cut_end_is_found_beside_the_head(folder, left):
    change(folder, ("DELETE FROM audit WHERE number > ?", (left,)))
    assert (broken(folder).number, broken(folder).kind) == (left + 1, "cut")


def test_an_entry_that_was_put_in_is_found(folder):
    copy = "INSERT INTO audit (number, entry, hash) SELECT ?, entry, hash FROM audit WHERE number = ?"
    for number in (0, -1, ENTRIES + 1, ENTRIES + 5, 2**63 - 1):
        change(folder, (copy, (number, 3)))
        assert broken(folder) is not None
        change(folder, ("DELETE FROM audit WHERE number = ?", (number,)))
        assert broken(folder) is None


def test_a_whole_chain_made_up_anew_is_found_beside_the_head(folder):
    said = [json.loads(text) for _, text, _ in rows(folder)]
    said[2]["who"] = "somebody else"
    rewrite(folder, said)
    assert (broken(folder).number, broken(folder).kind) == (ENTRIES, "another")


def test_a_file_put_back_from_an_older_copy_is_found_beside_the_head(folder):
    shutil.copy(folder / BOOKS, old := folder / "old")
    with books(folder) as opened:
        fill(opened, 2, ENTRIES)
    for part in ("-wal", "-shm"):
        (folder / f"{BOOKS}{part}").unlink(missing_ok=True)
    shutil.copy(old, folder / BOOKS)
    assert (broken(folder).number, broken(folder).kind) == (ENTRIES + 1, "cut")


def test_rows_and_head_put_back_together_are_found_only_by_a_head_kept_elsewhere(folder):
    with books(folder) as opened:
        printed = read_head(str(opened.audit.head))
    assert broken(folder, printed) is None
    said = [json.loads(text) for _, text, _ in rows(folder)]
    for forged in (said[:-2], said[:2] + said[3:], [{**said[0], "who": "nobody"}, *said[1:]]):
        head = rewrite(folder, forged)
        (folder / f"{BOOKS}{HEAD}").write_text(f"{head}\n", "utf-8")
        assert broken(folder) is None, "a chain alone cannot show this: the documentation says so"
        assert broken(folder, printed) is not None


def test_a_head_that_is_gone_or_no_head_is_found(folder):
    file = folder / f"{BOOKS}{HEAD}"
    good = file.read_text("utf-8")
    for text in ("", "x", good.replace(":", ";"), "-1:" + "0" * 64, f"{ENTRIES - 1}{good[1:]}"):
        file.write_text(text, "utf-8")
        assert broken(folder) is not None
    file.unlink()
    assert broken(folder).kind == "head"


@pytest.mark.parametrize(
    "damage",
    [
        ("DELETE FROM audit WHERE number > 3",),
        ("DELETE FROM audit",),
        ("UPDATE audit SET entry = replace(entry, 'operator', 'somebody') WHERE number = 6",),
        ("UPDATE audit SET entry = 'no JSON' WHERE number = 2",),
        ("UPDATE audit SET hash = 'x' WHERE number = 6",),
        ("INSERT INTO audit (number, entry, hash) SELECT 7, entry, hash FROM audit WHERE number = 3",),
    ],
)
def test_going_on_heals_no_break(folder, damage):
    change(folder, damage)
    for turn in range(3):
        with books(folder) as opened:
            fill(opened, 2, 10 * turn)
            assert opened.audit.verify() is not None
            assert opened.audit.entries(limit=2)[0].detail["n"] == 10 * turn + 1


def test_going_on_without_the_head_shows_for_ever(folder):
    (folder / f"{BOOKS}{HEAD}").unlink()
    with books(folder) as opened:
        fill(opened, 2)
    assert (broken(folder).number, broken(folder).kind) == (ENTRIES + 1, "unlinked")


def test_a_crash_between_an_entry_and_its_head_is_no_break(folder):
    head = folder / f"{BOOKS}{HEAD}"
    before = head.read_text("utf-8")
    with books(folder) as opened:
        fill(opened, 1)
    head.write_text(before, "utf-8")
    assert broken(folder) is None
    with books(folder) as opened:
        assert head.read_text("utf-8").strip() == str(opened.audit.head)
        fill(opened, 1)
        assert opened.audit.verify() is None
    head.write_text(before, "utf-8")  # two behind is no crash
    assert broken(folder).kind == "head"


def test_new_books_begin_with_nothing_and_hold(tmp_path):
    with books(tmp_path) as opened:
        assert opened.audit.head == NOTHING
        assert opened.audit.verify() is None
        assert opened.audit.entries() == []
    assert (tmp_path / BOOKS).stat().st_mode & 0o077 == 0
    assert (tmp_path / f"{BOOKS}{HEAD}").stat().st_mode & 0o077 == 0


def test_nobody_is_no_operator():
    with books() as opened:
        for name in ("", "  ", "a\u0000b", "x" * 300, None):
            with pytest.raises(InputFault, match="no name"):
                opened.audit.note(name, "switch", "global", {})
        assert opened.audit.entries() == []


def test_a_user_is_there_by_a_pseudonym_that_stays_the_same(tmp_path):
    with books(tmp_path) as opened:
        ann = opened.audit.person("ann")
        assert ann not in {opened.audit.person("bob"), "ann"}
    with books(tmp_path) as opened:
        assert opened.audit.person("ann") == ann


def test_what_is_too_long_to_keep_leaves_its_hash():
    with books() as opened:
        opened.audit.note("ann", "rules.apply", "the rules", {"changes": "x" * 100_000})
        assert set(opened.audit.entries()[0].detail) == {"bytes", "sha256"}


def test_a_head_that_cannot_be_written_is_a_fault_and_no_break(tmp_path):
    with books(tmp_path) as opened:
        fill(opened, 1)
        file = tmp_path / f"{BOOKS}{HEAD}"
        kept = file.read_bytes()
        file.unlink()
        file.mkdir()
        with pytest.raises(StoreFault, match="head of the audit chain"):
            fill(opened, 1)
        file.rmdir()
        file.write_bytes(kept)
        fill(opened, 1)
        assert opened.audit.verify() is None


def test_another_file_is_left_as_it_is(tmp_path):
    (tmp_path / BOOKS).write_bytes(b"no database at all, but long enough to be looked at")
    with pytest.raises(StoreUnreadable), books(tmp_path):
        pass
    with pytest.raises(StoreUnreadable, match="is not there"):
        Audit.reading(tmp_path / "elsewhere.operators")
