"""Lines and strangers: origins, tickets, frames and tokens."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_desk import asked, key_of, problem
from stream_desk import Events, ids, push, streaming, told
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from andante.service.problem import Problem
from andante.service.tickets import TICKET_MAX, Tickets
from andante.service.tokens import Tokens

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def shop():
    with streaming(cors_origins=["https://shop.example"]) as opened:
        yield opened


def _refused(shop, query, origin="", **headers):
    """Return the status with which a handshake is refused."""
    url = f"{shop.url.replace('http', 'ws')}/v1/stream?{query}"
    opening = {"origin": origin or shop.origin, "additional_headers": headers, "proxy": None}
    with pytest.raises(InvalidStatus) as refused, connect(url, **opening):
        pass
    answer = refused.value.response
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["status"] == answer.status_code
    return answer.status_code


def _reads(tickets, ticket):
    with pytest.raises(Problem) as refused:
        tickets.read(ticket)
    assert refused.value.status == 401
    return refused.value.detail


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://shop.example", "https://shop.example.evil.example"]
)
def test_socket_of_a_foreign_page_is_refused_before_it_opens_and_the_ticket_still_works(shop, origin):
    ticket = shop.ticket()
    assert _refused(shop, f"ticket={ticket}", origin) == 403
    with shop.line(ticket=ticket):
        pass


def test_socket_without_an_origin_is_refused(shop):
    url = f"{shop.url.replace('http', 'ws')}/v1/stream?ticket={shop.ticket()}"
    with pytest.raises(InvalidStatus, match="403"), connect(url, origin=None, proxy=None):
        pass


def test_socket_of_a_configured_origin_opens(shop):
    with shop.line("bea", origin="https://shop.example") as line:
        shop.feed.put_all([push(1, "bea")])
        assert ids(told(line, 1)) == ["bea-1"]


def test_page_that_made_its_name_resolve_to_us_is_refused(shop):
    host = "evil.example:" + shop.url.rpartition(":")[2]
    answer = shop.client.get(
        "/v1/feed", params={"ticket": shop.ticket()}, headers={"host": host, "origin": f"http://{host}"}
    )
    problem_of(answer, 403)


def test_event_stream_of_a_foreign_page_is_refused(shop):
    answer = shop.client.get("/v1/feed", params={"ticket": shop.ticket()}, headers={"origin": "https://evil.example"})
    problem_of(answer, 403)


def test_with_keys_only_configured_origins_open_lines():
    header, entry = key_of("shop", "stream")
    with streaming(keys=[entry], public_url="https://push.shop.example/a") as shop:
        ticket = shop.ticket(**header)
        assert _refused(shop, f"ticket={ticket}") == 403
        with shop.line(ticket=ticket, origin="https://push.shop.example"):
            pass


@pytest.mark.parametrize(("scopes", "status"), [(("events", "admin"), 403), ((), 401)])
def test_ticket_needs_a_key_for_streams(scopes, status):
    header, entry = key_of("shop", *scopes)
    with streaming(keys=[entry]) as shop:
        headers = header if scopes else {}
        problem(shop.client.post("/v1/tickets", json={"user_id": "ann"}, headers=headers), status)


def test_ticket_works_once_on_any_kind_of_line(shop):
    ticket = shop.ticket()
    with shop.line(ticket=ticket):
        assert _refused(shop, f"ticket={ticket}") == 401
        problem_of(shop.client.get("/v1/feed", params={"ticket": ticket}), 401)


@pytest.mark.parametrize("query", ["", "ticket=", "ticket=x.y", "ticket=" + "a" * 5000, "ticket=%00", "user_id=ann"])
def test_line_without_a_ticket_of_ours_is_refused(shop, query):
    assert _refused(shop, query) == 401


def test_ticket_of_another_user_opens_that_user_s_line_alone(shop):
    shop.feed.put_all([push(1, "cat"), push(1, "dan")])
    with shop.line("cat") as line:
        assert ids(told(line, 1)) == ["cat-1"]
    query = {"ticket": shop.ticket("cat"), "user_id": "dan", "user": "dan"}
    with shop.client.stream("GET", "/v1/feed", params=query) as answer:
        assert ids(Events(answer).pushes(1)) == ["cat-1"]


def test_ticket_whose_user_was_changed_is_forged(shop):
    payload, _, rest = shop.ticket("cat").partition(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps(["dan", *said[1:]]).encode()).decode().rstrip("=")
    assert _refused(shop, f"ticket={forged}.{rest}") == 401


def test_ticket_of_another_process_is_forged():
    assert "not made here" in _reads(Tickets(MINUTE), Tickets(MINUTE).make("ann").ticket)


def test_ticket_is_over_after_its_life():
    now_s = 100.0
    tickets = Tickets(MINUTE, lambda: now_s)
    ticket = tickets.make("ann").ticket
    now_s += 59.9
    assert tickets.read(ticket).user_id == "ann"
    now_s += 0.1
    assert _reads(tickets, ticket) == "the ticket is over"


def test_used_tickets_are_forgotten_when_they_are_over_anyway():
    now_s = 100.0
    tickets = Tickets(MINUTE, lambda: now_s)
    for _ in range(50):
        tickets.use(tickets.read(tickets.make("ann").ticket))
        now_s += 10.0
    assert len(tickets._used) <= 7
    assert len(tickets._ending) == len(tickets._used)


@given(st.text(max_size=2 * TICKET_MAX))
def test_no_text_is_a_ticket(text):
    assert "not made here" in _reads(Tickets(MINUTE), text)


@pytest.mark.parametrize("after", ["x", "-1", "1e3", "9" * 30, "٣"])
def test_last_id_that_is_none_is_refused(shop, after):
    answer = shop.client.get("/v1/feed", params={"ticket": shop.ticket(), "after": after})
    problem_of(answer, 400)


@pytest.mark.parametrize(("frame", "code"), [("x" * 5_000, 1009), (b"{}", 1003), ("x" * 100_000, 1009)])
def test_frame_that_no_page_sends_ends_the_line(shop, frame, code):
    with shop.line() as line:
        line.send(frame)
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=30)
        assert line.close_code == code
    shop.client.get("/healthz").raise_for_status()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("{", 400),
        ("[" * 4000, 400),
        ("[]", 422),
        ('{"type":1}', 422),
        ('{"type":"clicked","user_id":"bob"}', 422),
        ('{"type":"clicked"}', 401),
        ('{"type":"clicked","token":"forged.token.here"}', 401),
        ('{"type":"converted","token":"x"}', 403),
        ('{"type":"unsubscribed","token":"x"}', 403),
        ('{"type":"failed","token":"x"}', 403),
        ('{"type":"seen"}', 422),
        ('{"type":"seen","id":-1}', 422),
    ],
)
def test_message_that_cannot_be_taken_is_refused_and_the_line_goes_on(shop, said, status):
    (mark,) = shop.feed.put_all([push(f"before {said}", "fox")])
    with shop.line("fox", after=mark) as line:
        line.send(said)
        (answer,) = told(line, 1)
        assert answer["refused"]["status"] == status
        shop.feed.put_all([push(f"after {said}", "fox")])
        assert ids(told(line, 1)) == [f"fox-after {said}"]


def test_page_that_guesses_tokens_is_sent_away(shop):
    with shop.line("gil") as line:
        for _ in range(21):
            line.send('{"type":"clicked","token":"guess"}')
        assert all("refused" in answer for answer in told(line, 21))
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=30)
        assert line.close_code == 1008


def test_token_that_is_over_reports_nothing(shop):
    with shop.line("hub") as line:
        over = Tokens("a secret of the tests alone", timedelta(days=30))
        over._life_s = -1
        shop.serving.tokens, kept = over, shop.serving.tokens
        try:
            line.send(json.dumps({"type": "clicked", "token": kept.outcome("d")}))
            assert told(line, 1)[0]["refused"]["detail"] == "the token is over"
        finally:
            shop.serving.tokens = kept


def test_unsubscribe_token_is_no_outcome_token(shop):
    from andante.service.tokens import Leaving  # noqa: PLC0415  of this test alone

    with shop.line("ina") as line:
        leaving = shop.serving.tokens.unsubscribe(Leaving("ina", "push", "d"))
        line.send(json.dumps({"type": "clicked", "token": leaving}))
        assert told(line, 1)[0]["refused"]["status"] == 401


def test_page_that_says_too_much_is_told_to_say_less():
    with streaming(stream={"feedback_per_minute": 3}) as shop, shop.line() as line:
        for _ in range(4):
            line.send('{"type":"seen","id":0}')
        assert [("refused" in answer) for answer in told(line, 4)] == [False, False, False, True]


def test_seen_mark_moves_nobody_else_s_pushes(shop):
    (number,) = shop.feed.put_all([push(1, "jan")])
    with shop.line("kim") as line:
        line.send(json.dumps({"type": "seen", "id": number}))
        told(line, 1)
    assert shop.feed.after("jan", 0)[0].seen is False


def test_push_names_no_user_and_its_token_holds_only_the_decision(shop):
    with shop.line("lou") as line:
        shop.feed.put_all([push(1, "lou", decision_id="abc")])
        (entry,) = told(line, 1)
    assert "lou" not in json.dumps(entry)
    assert shop.serving.tokens.decision_of(entry["token"]) == "abc"


def test_live_decisions_are_for_operators_alone(tmp_path):
    header, entry = key_of("shop", "stream", "events", "decisions")
    with streaming(tmp_path / "shop.db", keys=[entry]) as shop:
        problem_of(shop.client.get("/v1/live"), 401)
        problem_of(shop.client.get("/v1/live", headers=header), 403)


def test_decide_is_not_held_up_by_lines(shop):
    with shop.line("may"), shop.events("may"):
        answer = shop.client.post("/v1/decisions", json=asked("ann", "held", "promotion", "push"))
        assert answer.status_code == 200


def problem_of(answer, status):
    """Look at a problem that a stream was refused with."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
