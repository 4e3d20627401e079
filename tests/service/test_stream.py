"""Lines: pushes to pages over WebSocket and as events, and what pages report."""

import json
import socket
import time
from datetime import timedelta

import httpx
import pytest
from stream_desk import Events, ids, push, streaming, told
from websockets.exceptions import ConnectionClosed, InvalidStatus

from andante.channels.contract import Content
from andante.settings.sections.stream import Stream
from andante.vocabulary.fault import StoreFault


@pytest.fixture(scope="module")
def shop():
    with streaming() as opened:
        yield opened


def _until(holds, what):
    """Wait for something that the server does by itself."""
    ends_s = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends_s, f"never {what}"


def test_socket_gets_what_it_missed_and_what_comes(shop):
    shop.feed.put_all([push(1, "cid"), push(2, "cid")])
    with shop.line("cid") as line:
        assert ids(told(line, 2)) == ["cid-1", "cid-2"]
        shop.feed.put_all([push(3, "cid")])
        assert ids(told(line, 1)) == ["cid-3"]


def test_event_stream_gets_what_it_missed_and_what_comes(shop):
    shop.feed.put_all([push(1, "dot"), push(2, "dot")])
    with shop.events("dot") as answer:
        events = Events(answer)
        assert ids(events.pushes(2)) == ["dot-1", "dot-2"]
        shop.feed.put_all([push(3, "dot")])
        assert ids(events.pushes(1)) == ["dot-3"]


def test_event_stream_resumes_by_the_last_event_id(shop):
    shop.feed.put_all([push(number, "eve") for number in range(150)])  # more than is read at once
    with shop.events("eve") as answer:
        events = Events(answer)
        found = [events.next("push") for _ in range(100)]
    with shop.events("eve", **{"last-event-id": found[-1]["id"]}) as answer:
        rest = Events(answer).pushes(50)
    shown = ids(json.loads(one["data"]) for one in found) + ids(rest)
    assert shown == [f"eve-{number}" for number in range(150)]


def test_socket_resumes_after_its_last_id(shop):
    shop.feed.put_all([push(number, "fay") for number in range(150)])
    with shop.line("fay") as line:
        found = told(line, 70)
    with shop.line("fay", after=found[-1]["id"]) as line:
        assert ids(found + told(line, 80)) == [f"fay-{number}" for number in range(150)]


def test_pushes_of_others_are_not_heard(shop):
    with shop.line("gus") as line:
        shop.feed.put_all([push(1, "hal"), push(1, "gus")])
        assert ids(told(line, 1)) == ["gus-1"]


def test_two_pages_of_one_user_get_each_push_once_each(shop):
    with shop.line("ivy") as one, shop.line("ivy") as other:
        shop.feed.put_all([push(number, "ivy") for number in range(5)])
        assert ids(told(one, 5)) == ids(told(other, 5)) == [f"ivy-{number}" for number in range(5)]


@pytest.mark.parametrize("outcome", ["delivered", "opened", "clicked", "dismissed", "not_interested", "rated"])
def test_page_reports_an_outcome_once(shop, outcome):
    with shop.line(after=shop.feed.put_all([push(f"mark-{outcome}")])[0]) as line:
        decision = shop.sends(outcome)
        (entry,) = told(line, 1)
        report = {"type": outcome, "token": entry["token"], "ref": 7} | ({"rating": 4} if outcome == "rated" else {})
        line.send(json.dumps(report))
        line.send(json.dumps(report))
        assert told(line, 2) == [{"ref": 7, "taken": outcome}, {"ref": 7, "taken": outcome, "duplicate": True}]
    assert entry["push"]["decision_id"] == decision.decision_id
    (kept,) = [one for one in shop.feed.of_user("ann") if one["decision_id"] == decision.decision_id]
    assert (kept["seen_us"] is None) is (outcome == "delivered")


def test_click_on_a_line_moves_what_is_known_of_the_user(shop):
    with shop.line(after=shop.feed.put_all([push("mark")])[0]) as line:
        shop.sends("moves")
        before = shop.engine.user("ann")
        line.send(json.dumps({"type": "clicked", "token": told(line, 1)[0]["token"]}))
        told(line, 1)
    assert shop.engine.user("ann").open_rate > before.open_rate


def test_page_of_an_event_stream_reports_by_post(shop):
    with shop.events(after=shop.feed.put_all([push("mark-post")])[0]) as answer:
        shop.sends("post")
        (entry,) = Events(answer).pushes(1)
    told_of = shop.client.post("/v1/outcomes", params={"token": entry["token"]}, json={"type": "clicked"})
    assert told_of.json()["accepted"] == 1


def test_seen_mark_moves_and_comes_back_to_other_pages(shop):
    shop.feed.put_all([push(number, "jim") for number in range(3)])
    with shop.line("jim") as line:
        entries = told(line, 3)
        line.send(json.dumps({"type": "seen", "id": entries[1]["id"]}))
        assert told(line, 1) == [{"taken": "seen"}]
    with shop.line("jim") as line:
        assert [entry.get("seen", False) for entry in told(line, 3)] == [True, True, False]


def test_user_has_so_many_lines_and_one_more_when_one_ends():
    with streaming(stream={"lines_per_user_max": 2}) as shop:
        with shop.line("kay"), shop.line("kay") as second:
            with pytest.raises(InvalidStatus, match="429"), shop.line("kay"):
                pass
            with shop.line("lee"):
                second.close()
                _until(lambda: shop.streams.lines.all() == 2, "closed")
                with shop.line("kay"):
                    _until(lambda: shop.streams.lines.all() == 3, "opened")
        _until(lambda: shop.streams.lines.all() == 0, "closed")


def test_server_has_so_many_lines_and_says_when_to_come_back():
    with streaming(stream={"lines_max": 1}) as shop, shop.line("mia"):
        ticket = shop.ticket("ned")
        answer = shop.client.get("/v1/feed", params={"ticket": ticket})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"


def test_idle_event_stream_is_written_to():
    with streaming(stream={"heartbeat": "PT1S"}) as shop, shop.events() as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        assert next(lines) == ""
        assert next(lines) == ":"


def test_page_that_does_not_read_is_dropped_and_gets_the_rest_later():
    large = Content(title="Large", body="x" * 100_000)
    with streaming(stream={"slow": "PT1S"}) as shop:
        shop.feed.put_all([push(number, "oda", content=large) for number in range(150)])
        host, port = shop.url.removeprefix("http://").split(":")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((host, int(port)))
            target = f"/v1/feed?ticket={shop.ticket('oda')}"
            deaf.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            _until(lambda: shop.streams.lines.dropped == 1, "dropped")
            assert shop.streams.lines.written < 150
            with shop.line("oda", max_size=None) as line:
                assert ids(told(line, 150)) == [f"oda-{number}" for number in range(150)]
            shop.client.get("/healthz").raise_for_status()


def test_line_ends_after_its_life_and_its_page_comes_back(monkeypatch):
    monkeypatch.setattr(Stream, "__init__", _short_lived(Stream.__init__))
    with streaming() as shop, shop.line("pia") as line:
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=30)
        assert line.close_code == 1001


def _short_lived(begin):
    def begun(self, **given):
        begin(self, **given)
        object.__setattr__(self, "__dict__", self.__dict__ | {"line_life": timedelta(seconds=0.1)})

    return begun


def test_end_of_the_server_is_said_on_every_line():
    with streaming() as shop, shop.line("quin") as line, shop.events("quin") as answer:
        events = Events(answer)
        shop.feed.put_all([push(1, "quin")])
        assert ids(told(line, 1)) == ids(events.pushes(1)) == ["quin-1"]
        shop.let_go()
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=30)
        assert line.close_code == 1001
        end = events.next("end")
        assert int(end["retry"]) < 2_000
        assert events.next("push") is None


def test_server_that_is_told_to_end_closes_sockets_so_that_pages_come_back():
    with streaming() as shop, shop.line("ria") as line:
        _until(lambda: shop.streams.lines.all() == 1, "opened")
        shop.running.end()
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=30)
        assert line.close_code == 1001  # going away


def test_server_that_is_told_to_end_ends_event_streams_and_takes_no_new_lines():
    with streaming() as shop, shop.events("rex") as answer:
        events = Events(answer)
        shop.feed.put_all([push(1, "rex")])
        events.pushes(1)
        ticket = shop.ticket("rex")
        shop.loop.call_soon_threadsafe(shop.serving.drain)
        assert events.next("end")
        assert shop.client.get("/v1/feed", params={"ticket": ticket}).status_code == 503


def test_line_goes_on_when_the_feed_can_be_read_again():
    with streaming() as shop:
        read, broken = shop.feed.after, []

        def fails(*given):
            if not broken:
                broken.append(given)
                raise StoreFault("outbox", None, "is busy", "try again")
            return read(*given)

        shop.feed.after = fails
        shop.feed.put_all([push(1, "tea")])
        with shop.line("tea") as line:
            assert ids(told(line, 1)) == ["tea-1"]
        assert len(broken) == 1


def test_id_of_a_newer_copy_of_the_file_gets_everything_that_is_kept(shop):
    shop.feed.put_all([push(1, "val")])
    with shop.line("val", after=10**9) as line:
        assert ids(told(line, 1)) == ["val-1"]


def test_head_opens_no_line(shop):
    ticket = shop.ticket("wim")
    assert shop.client.head("/v1/feed", params={"ticket": ticket}).status_code == 405
    with shop.line("wim", ticket=ticket):
        pass


def test_lines_are_counted_for_operators(shop):
    with shop.line("sam"):
        _until(lambda: "andante_lines_open 1.0" in shop.client.get("/metrics").text, "counted")
    _until(lambda: "andante_lines_open 0.0" in shop.client.get("/metrics").text, "counted")


def test_ticket_is_described_to_callers(shop):
    answer = shop.client.post("/v1/tickets", json={"user_id": "tom"})
    assert answer.json()["expires_in_s"] == 60
    assert shop.client.post("/v1/tickets", json={"user": "tom"}).status_code == 422
    assert shop.client.get("/v1/tickets").status_code == 405


def test_feed_over_plain_http_names_its_type_and_is_not_kept(shop):
    with shop.events("uma") as answer:
        assert isinstance(answer, httpx.Response)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
