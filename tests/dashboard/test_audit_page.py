"""The page of the audit, over a real chain."""

import csv
import io
import sqlite3
from contextlib import closing

import pytest
from dashboard_desk import act, sign_in


def test_the_audit_says_who_did_what_and_filters_by_it(console, client):
    sign_in(client, "Mia")
    console.books.audit.note("Noa", "switch", "global", {"on": True})
    page = client.get("/dashboard/audit?language=en").text
    assert "Mia" in page
    assert "kill switch" in page
    only = client.get("/dashboard/audit?action=switch&language=en").text
    assert "<td>Noa</td>" in only
    assert "<td>Mia</td>" not in only


def test_a_chain_that_holds_gives_its_head_to_keep(console, client):
    sign_in(client)
    page = act(client, "/dashboard/audit", "/dashboard/audit/verify").text
    assert "The chain holds" in page
    assert str(console.books.audit.head) in page
    kept = act(client, "/dashboard/audit", "/dashboard/audit/verify", head=str(console.books.audit.head)).text
    assert "it contains the head that you kept" in kept


def test_an_entry_that_was_edited_shows(console, client):
    sign_in(client)
    with closing(sqlite3.connect(f"{console.serving.database}.operators")) as file, file:
        file.execute("UPDATE audit SET entry = replace(entry, 'Mia', 'Noa') WHERE number = 1")
    page = act(client, "/dashboard/audit", "/dashboard/audit/verify").text
    assert "The chain does not hold at entry 1." in page


@pytest.mark.parametrize("evil", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_no_cell_of_the_download_is_a_formula(console, client, evil):
    sign_in(client)
    console.books.audit.note("Noa", "switch", evil, {})
    answer = client.get("/dashboard/audit.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["subject"] for row in rows if row["who"] == "Noa"] == [f"'{evil}"]


def test_a_page_holds_a_hundred_entries_and_leads_to_older_ones(console, client):
    for number in range(101):
        console.books.audit.note("Noa", "switch", f"campaign:{number}", {"on": True})
    first = client.get("/dashboard/audit")
    assert "campaign:100" in first.text
    assert "campaign:0<" not in first.text
    assert "campaign:0<" in client.get("/dashboard/audit?before=2").text
