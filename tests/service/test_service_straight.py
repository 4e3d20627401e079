"""The short way of hot routes: it answers as the long way does, and keeps whatever HTTP/1.1 promises."""

import json
import re
import socket
import threading
import time
from contextlib import suppress

import pytest
from service_desk import SENDING, Gate, asked, consents, key_of, served

from andante import Engine
from andante.service import application as applications
from andante.service.protocol import SHORT_BYTES, SHORT_S

PATIENCE_S = 60


class Line:
    """A connection on which bytes are written as a test likes."""

    def __init__(self, url):
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, *pieces, pause_s=0.0):
        for piece in pieces:
            self.socket.sendall(piece)
            time.sleep(pause_s)

    def answer(self):
        """Return the status, the headers in their order, and the body of the next answer; None at the end."""
        first = self.file.readline()
        if not first:
            return None
        lines = iter(self.file.readline, b"\r\n")
        headers = [tuple(line.rstrip(b"\r\n").split(b": ", 1)) for line in lines]
        return int(first.split()[1]), headers, self.file.read(int(dict(headers)[b"content-length"]))


def call(body, path="/v1/decisions", version="1.1", **headers):
    """Return a call's head and its body."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(body))} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"POST {path} HTTP/{version}\r\n{lines}\r\n".encode(), body


@pytest.fixture
def ways(monkeypatch):
    """Note which calls took the short way."""
    short = []
    before = applications.Application.answer_whole

    async def noted(self, route, *given):
        short.append(route.path)
        return await before(self, route, *given)

    monkeypatch.setattr(applications.Application, "answer_whole", noted)
    return short


KEY, ENTRY = key_of("shop")
_, OTHER = key_of("reader", "events")
TOO_MANY = {"requests": [asked()] * 3}
CALLS = {
    "send": (200, True, call(asked(), authorization=KEY["authorization"])),
    "its own id": (200, True, call(asked(), authorization=KEY["authorization"], x_request_id="abc-1")),
    "a batch": (200, True, call({"requests": [asked()]}, "/v1/decisions/batch", authorization=KEY["authorization"])),
    "no JSON": (400, True, call(b"{", authorization=KEY["authorization"])),
    "no shape": (422, True, call({"user_id": 1}, authorization=KEY["authorization"])),
    "no body": (400, True, call(b"", authorization=KEY["authorization"])),
    "another kind": (415, True, call(asked(), authorization=KEY["authorization"], content_type="text/plain")),
    "too many": (413, True, call(TOO_MANY, "/v1/decisions/batch", authorization=KEY["authorization"])),
    "no key": (401, False, call(asked())),
    "a key for less": (403, False, call(asked(), authorization=key_of("reader")[0]["authorization"])),
    "compressed": (415, False, call(asked(), authorization=KEY["authorization"], content_encoding="gzip")),
    "too large": (413, False, call(b" " * 3000, authorization=KEY["authorization"])),
    "another path": (404, False, call(asked(), "/v1/nothing", authorization=KEY["authorization"])),
    "a page's call": (200, False, call(asked(), authorization=KEY["authorization"], origin="http://127.0.0.1")),
}


@pytest.mark.parametrize("name", CALLS)
def test_both_ways_answer_alike(name, ways):
    status, is_short, (head, body) = CALLS[name]
    with served(keys=[ENTRY, OTHER], body_max_kib=2, batch_max=2) as shop:
        consents_with_key(shop)
        with Line(shop.url) as line:
            line.send(head + body)
            at_once = line.answer()
        assert bool(ways) is is_short
        ways.clear()
        with Line(shop.url) as line:
            line.send(head, body[:1], pause_s=2 * SHORT_S)
            with suppress(BrokenPipeError):  # a head alone may be refused
                line.send(body[1:])
            slowly = line.answer()
        assert bool(ways) is (not body and is_short)
        assert at_once[0] == slowly[0] == status
        assert alike(at_once) == alike(slowly)
        answered = re.findall(r'requests_total\{route="(?:/v1/decisions.*|other)",status="(\d+)"\} (.*)', metrics(shop))
        assert answered == [(str(status), "2.0")]


def alike(answer):
    """Return what two answers to one call have in common."""
    _, headers, body = answer
    told = re.sub(rb'"(decision_id|request_id|at|expires_at|send_at)":"[^"]*"', b"", body)
    return [one for one in headers if one[0] not in {b"date", b"x-request-id", b"content-length"}], told


def consents_with_key(shop):
    shop.client.headers.update(KEY)
    consents(shop.client)


def metrics(shop):
    return shop.client.get("/metrics").text


def test_a_body_that_comes_soon_after_its_head_takes_the_short_way(ways):
    with served() as shop, Line(shop.url) as line:
        consents(shop.client)
        for _ in range(20):  # a busy machine may take longer than is waited for, but not each time
            line.send(*call(asked()), pause_s=SHORT_S / 20)
            assert line.answer()[0] == 200
        assert ways


def test_calls_that_are_sent_before_the_last_was_answered_are_answered_in_order(ways):
    gate = Gate(Engine.open(":memory:", SENDING))
    with served(engine=gate) as shop, Line(shop.url) as line:
        consents(shop.client)
        ids = [f"call-{number}" for number in range(5)]
        line.send(b"".join(b"".join(call(asked(), x_request_id=one)) for one in ids))
        assert gate.entered.wait(PATIENCE_S)
        gate.opened.set()
        answers = [line.answer() for _ in ids]
        assert [status for status, _, _ in answers] == [200] * 5
        assert [dict(headers)[b"x-request-id"].decode() for _, headers, _ in answers] == ids
        assert len(ways) == 1


def test_a_large_body_goes_the_long_way(ways):
    with served() as shop, Line(shop.url) as line:
        consents(shop.client)
        line.send(b"".join(call(json.dumps(asked()).encode() + b" " * SHORT_BYTES)))
        assert line.answer()[0] == 200
        assert not ways


def test_a_connection_closes_when_its_caller_says_so_and_after_http_1_0():
    with served() as shop:
        consents(shop.client)
        for asks, says in (
            (call(asked(), connection="close"), True),
            (call(asked(), version="1.0"), True),
            (call(asked()), False),
        ):
            with Line(shop.url) as line:
                line.send(b"".join(asks))
                status, headers, _ = line.answer()
                assert (status, dict(headers).get(b"connection") == b"close") == (200, says)
                if says:
                    assert line.answer() is None
                else:
                    line.send(b"".join(asks))
                    assert line.answer()[0] == 200


def test_who_asks_to_go_on_first_is_told_to():
    head, body = call(asked(), expect="100-continue")
    with served() as shop, Line(shop.url) as line:
        consents(shop.client)
        line.send(head)
        assert line.file.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert line.file.readline() == b"\r\n"
        line.send(body)
        assert line.answer()[0] == 200


def test_a_caller_who_goes_away_harms_nobody():
    gate = Gate(Engine.open(":memory:", SENDING))
    with served(engine=gate) as shop:
        consents(shop.client)
        with Line(shop.url) as line:
            line.send(b"".join(call(asked())))
            assert gate.entered.wait(PATIENCE_S)
        with Line(shop.url) as line:
            line.send(call(asked())[0])
        gate.opened.set()
        assert shop.client.post("/v1/decisions", json=asked()).status_code == 200
        assert shop.serving.bodies.held == 0


def test_a_server_that_ends_answers_what_it_took_in_and_closes():
    gate = Gate(Engine.open(":memory:", SENDING))
    with served(engine=gate) as shop:
        consents(shop.client)
        with Line(shop.url) as line:
            line.send(b"".join(call(asked())))
            assert gate.entered.wait(PATIENCE_S)
            ending = threading.Thread(target=ends, args=(shop, gate))
            ending.start()
            status, headers, _ = line.answer()
            assert (status, dict(headers)[b"connection"]) == (200, b"close")
            assert line.answer() is None
            ending.join(PATIENCE_S)


def ends(shop, gate):
    """Tell the server to end, and open the gate once it is ending."""
    shop.running.end()
    while not shop.serving.draining.is_set():
        time.sleep(0.01)
    time.sleep(0.5)  # connections are told right after
    gate.opened.set()


def test_a_caller_who_calls_too_often_and_too_many_at_once_are_told_to_come_back(ways):
    with served(calls_per_minute=2) as shop, Line(shop.url) as line:
        statuses = []
        for _ in range(4):
            line.send(b"".join(call(asked())))
            statuses.append(line.answer())
        assert [status for status, _, _ in statuses] == [200, 200, 429, 429]
        assert b"retry-after" in dict(statuses[-1][1])
        assert len(ways) == 4
    gate = Gate(Engine.open(":memory:", SENDING))
    with served(engine=gate, waiting_max=1) as shop, Line(shop.url) as first, Line(shop.url) as second:
        first.send(b"".join(call(asked())))
        assert gate.entered.wait(PATIENCE_S)
        second.send(b"".join(call(asked())))
        status, headers, _ = second.answer()
        assert (status, b"retry-after" in dict(headers)) == (503, True)
        gate.opened.set()
        assert first.answer()[0] == 200
