"""Apprise sends what it can to a real server, and refuses the rest loudly."""

import asyncio
import json
import logging
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from channel_peers import a_push, an_address
from provider_desk import NOW_S, Clock, attempts_at

from andante.channels.apprise import Apprise, apprise
from andante.channels.contract import Content, Status
from andante.settings.sections.channels import AppriseOptions
from andante.vocabulary.fault import InputFault, SettingsFault

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # its library imports it


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def peer(status=200):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.status, server.seen = status, []
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server, f"json://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def attempt(url, push=None, value=None):
    made = Apprise(url, now_s=Clock())
    (answer,) = asyncio.run(attempts_at(made, [(push or a_push(), an_address("apprise", value or {}))]))
    return answer


def test_a_push_reaches_a_service_of_apprise():
    with peer() as (server, url):
        answer = attempt(f"{url}/{{room}}", value={"room": "a/b"})
    ((path, body),) = server.seen
    assert (answer.status, path) == (Status.ACCEPTED, "/a%2Fb")
    assert (body["title"], body["message"]) == ("Sale", "Only today\nhttps://shop.example/sale")


def test_a_failure_is_ambiguous_for_apprise_does_not_tell_what_it_was():
    with peer(500) as (server, url):
        answer = attempt(url)
    assert (answer.status, len(server.seen)) == (Status.AMBIGUOUS, 1)
    assert attempt(url).status is Status.AMBIGUOUS  # nobody listens any more


@pytest.mark.parametrize(
    ("push", "code"),
    [
        (a_push(expires_s=int(NOW_S) + 60), "expires"),
        (a_push(content=Content(title="x", form="card", image_url="https://shop.example/s.jpg")), "form"),
        (a_push(content=Content(title="x", form="list", entries=({"title": "y"},))), "form"),
    ],
)
def test_what_apprise_cannot_do_is_refused_before_anything_is_sent(push, code):
    with peer() as (server, url):
        answer = attempt(url, push)
    assert (answer.status, answer.code, server.seen) == (Status.UNABLE, code, [])


def test_it_reports_nothing_later_and_says_so_by_having_no_receipts():
    assert not hasattr(Apprise("json://localhost"), "receipts")


def test_a_url_with_names_needs_addresses_and_one_without_needs_none():
    named, plain = Apprise("json://localhost/{room}"), Apprise("json://localhost")
    assert (named.of_users, plain.of_users) == (False, True)
    assert named.checked({"room": "r", "other": 1}) == {"room": "r"}
    for value in ({}, {"room": ""}, {"room": "a b"}, {"room": 7}):
        with pytest.raises(InputFault):
            named.checked(value)
        assert attempt("json://localhost/{room}", value=value).status is Status.GONE


@pytest.mark.parametrize(
    "text", ["nonsense", "json://a json://b", "json://localhost/{room.__class__}", "json://localhost/{}", "{"]
)
def test_urls_that_apprise_does_not_know_are_a_fault_that_does_not_show_them(tmp_path, text):
    file = tmp_path / "urls"
    file.write_text(text)
    with pytest.raises(SettingsFault) as fault:
        apprise(AppriseOptions(provider="apprise", urls_file=file), None)
    assert text not in str(fault.value).replace(str(file), "")


def test_what_pushes_say_is_not_logged(tmp_path, caplog):
    with peer() as (server, url):
        (tmp_path / "urls").write_text(f"{url}?+key=hunter2")
        opened = apprise(AppriseOptions(provider="apprise", urls_file=tmp_path / "urls"), None)
        with caplog.at_level(logging.DEBUG):
            (answer,) = asyncio.run(attempts_at(opened, [(a_push(), an_address("apprise", {}))]))
    assert (answer.status, len(server.seen)) == (Status.ACCEPTED, 1)
    assert "Only today" not in caplog.text
    assert "hunter2" not in caplog.text
