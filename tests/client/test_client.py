"""The client: the engine's calls over HTTP, the engine's records and faults back, and repetitions that do no harm."""

import socket
from datetime import timedelta

import httpx
import msgspec
import pytest
from client_desk import AT, KEY, KINDS, LESS, SWIFT, Awaited, Line, asked, serving

from andante.client import Busy, Client, Denied, Patience, ServiceFault, Unreachable, calls
from andante.client.faults import fault_of
from andante.vocabulary.fault import Conflict, InputFault, UnknownUser
from andante.vocabulary.flow import Kind
from andante.vocabulary.records import Candidate, Decision, Event, Outcome, Receipt, Rejection, Request


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("client") / "shop.db") as running:
        running[1].set_preferences("ann", {"consent": {"push": True}, "at": AT - timedelta(days=9)})
        yield running


@pytest.fixture(params=KINDS)
def connect(request):
    opened = []

    def connected(url, key=KEY, **more):
        opened.append(KINDS[request.param](url, key, **{"patience": SWIFT, **more}))
        return opened[-1]

    yield connected
    for client in opened:
        client.close()


@pytest.fixture
def client(service, connect):
    return connect(service[0])


def lines(service, *orders):
    return Line(service[0], *orders)


def requests_in(engine):
    return [row for rows in engine.log_rows() for row in rows if row.kind == Kind.REQUEST]


# The same calls, the same records.


def test_a_decision_is_the_engines_own_record(client, service):
    decision = client.decide(asked())
    assert isinstance(decision, Decision)
    assert (decision.action, decision.candidate_id) == ("send", "c1")
    assert decision.send_at.tzinfo is not None
    typed = Candidate(candidate_id="c1", category="receipt", channel="push")
    assert client.decide(Request(user_id="ann", candidates=(typed,), at=AT)).reasons == decision.reasons
    assert client.explain("ann")["decision"]["decision_id"].startswith(service[1].log_name)


def test_many_requests_are_decided_in_order_so_many_a_call(client):
    decisions = client.decide_many((asked("ann", f"c{n}") for n in range(25)), at_once=10)
    assert [one.candidate_id for one in decisions] == [f"c{n}" for n in range(25)]
    assert client.decide_many([]) == []


def test_a_table_is_decided_as_a_table(client):
    table = {"user_id": ["ann", "nobody"], "candidate_id": ["a", "b"], "category": "receipt", "channel": "push"}
    decided = client.decide_columns(table)
    assert (decided["action"], decided["row"]) == (["send", "suppress"], [0, -1])


def test_events_and_outcomes_are_told_in_parts_and_counted_as_one(client):
    events = [Event(user_id="ann", type="view", at=AT)] * 3 + [{"user_id": "ann", "type": "vew"}] * 2
    receipt = client.ingest(events, at_once=2)
    assert (receipt.accepted, [one.index for one in receipt.rejected]) == (3, [3, 4])
    sent = client.decide(asked())
    outcomes = [Outcome(decision_id=sent.decision_id, type="opened", at=AT), {"decision_id": "x-1-1", "type": "opened"}]
    told = client.observe([*outcomes, outcomes[0]], at_once=2)
    assert (told.accepted, told.duplicates, told.rejected[0].index) == (1, 1, 1)


def test_a_stream_of_events_gives_a_receipt_a_part(client):
    events = ({"user_id": "ann" if n != 7 else 7, "type": "view", "at": AT} for n in range(10))
    receipts = list(client.stream(events, at_once=4))
    assert [one.accepted for one in receipts] == [4, 3, 2]
    assert receipts[1].rejected[0].index == 7


def test_a_stream_may_come_by_and_by(service):
    async def coming():
        for _ in range(5):
            yield {"user_id": "ann", "type": "view", "at": AT}

    client = Awaited(service[0], KEY)
    assert [one.accepted for one in client.stream(coming(), at_once=2)] == [2, 2, 1]
    assert len(client.decide_many([asked()], at_once=1)) == 1
    client.close()


@pytest.mark.parametrize("user_id", ["a/b", "红", "../ann", "a b?c#d", "%2e"])
def test_any_id_reaches_its_user(client, user_id):
    wishes = {"consent": {"push": True}, "max_per_day": 2}
    assert client.set_preferences(user_id, wishes) == {"consent.push": True, "max_per_day": True}
    assert client.user(user_id)["user_id"] == user_id
    assert client.export(user_id)["user"]["max_per_day"] == 2


def test_plans_and_switches_are_the_operators(client):
    receipt = client.publish([{"user_id": "ann", "plan_per_week": 5.0, "interest": 0.5}], theta=0.4)
    assert receipt == Receipt(accepted=1, duplicates=0, rejected=())
    assert client.user("ann")["plan_per_week"] == 5.0
    assert client.switch("channel:push", on=True) != client.switch("channel:push", on=False)


def test_messages_and_addresses_are_taken_down(client):
    first = client.put_message("spring/sale", {"title": "Spring", "body": "is here"}, kind="campaign")
    assert client.put_message("spring/sale", {"title": "Spring"}, kind="campaign") > first
    value = {"token": "t-1"}
    address = client.put_address("ann", "push", "fcm", value)
    assert client.put_address("ann", "push", "fcm", value) == address


def test_an_erasure_brings_its_receipt(client, service):
    client.set_preferences("eve", {"consent": {"push": True}})
    assert client.erase("eve")["receipt_id"] == f"r-{len(service[2].erased)}"


# Faults.


def test_what_cannot_be_taken_is_the_engines_own_fault(client, service):
    bad = asked(candidates=[{"candidate_id": "c", "category": "x", "channel": "push", "value": -1}])
    with pytest.raises(InputFault) as here:
        service[1].decide([bad])
    with pytest.raises(InputFault) as there:
        client.decide(bad)
    assert str(there.value) == str(here.value).removeprefix("requests[0].")
    assert (there.value.problem, there.value.action) == (here.value.problem, here.value.action)


def test_a_key_that_came_with_another_body_is_a_conflict(client):
    client.decide(asked(idempotency_key="k-9"))
    with pytest.raises(Conflict, match="another body"):
        client.decide(asked(candidate_id="other", idempotency_key="k-9"))
    with pytest.raises(Conflict, match="another body"):
        client.decide_many([asked(candidate_id="other", idempotency_key="k-9")])


def test_an_unknown_user_and_an_unknown_path_are_told_apart(client, service, connect):
    with pytest.raises(UnknownUser, match="stranger"):
        client.user("stranger")
    with pytest.raises(ServiceFault, match="nothing at this path"):
        connect(f"{service[0]}/elsewhere").user("ann")


def test_a_key_that_is_wrong_or_not_for_this_is_denied(service, connect):
    for key in ("andante_wrong", LESS, None):
        with pytest.raises(Denied):
            connect(service[0], key).decide(asked())
    assert connect(service[0], LESS).ingest([{"user_id": "ann", "type": "view", "at": AT}]).accepted == 1


def test_what_is_no_andante_is_named_with_what_it_says():
    fault = fault_of("POST /v1/decisions", 418, {"content-type": "text/html"}, b"<p>teapot</p>")
    assert str(fault) == (
        "POST /v1/decisions (418) was answered with '<p>teapot</p>': see whether the address is that of an Andante"
    )


def test_where_nobody_listens_the_fault_says_that_nothing_was_done(connect):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Unreachable) as told:
        connect(url).decide(asked())
    assert not told.value.maybe_done


# Repetitions.


@pytest.mark.parametrize("order", ["lose", "drop", "cut", "busy"])
def test_a_decision_whose_answer_was_lost_is_taken_once(service, connect, order):
    line, engine = lines(service, order, order), service[1]
    before = len(requests_in(engine))
    decision = connect(line.url).decide(asked())
    assert [seen for seen, _ in line.seen] == [order, order, "pass"]
    assert len({request for _, request in line.seen}) == 1, "the same call, with the same key"
    after = requests_in(engine)
    assert len(after) == before + 1
    assert decision.decision_id.split("-")[1] == f"{after[-1].position:x}"
    line.close()


def test_a_batch_whose_answer_was_lost_is_taken_once_and_each_part_by_itself(service, connect):
    line, engine = lines(service, "pass", "drop", "pass", "drop"), service[1]
    before = len(requests_in(engine))
    decisions = connect(line.url).decide_many((asked("ann", f"c{n}") for n in range(30)), at_once=10)
    assert len(line.seen) == 5
    assert len(requests_in(engine)) == before + 30
    assert len({one.decision_id for one in decisions}) == 30
    line.close()


@pytest.mark.parametrize("way", ["ingest", "stream"])
def test_events_whose_receipt_was_lost_count_once(service, connect, way):
    client = connect(lines(service, "drop").url)
    count = client.user("ann")["events"]["favorite"]
    told = getattr(client, way)([{"user_id": "ann", "type": "favorite", "at": AT}] * 3)
    receipts = [told] if isinstance(told, Receipt) else list(told)
    assert [(one.accepted, one.duplicates) for one in receipts] in ([(0, 3)], [(3, 0)])
    assert connect(service[0]).user("ann")["events"]["favorite"] - count == pytest.approx(3, abs=0.1)


def test_what_has_no_key_is_not_asked_again_where_it_may_have_been_done(service, connect):
    table = {"user_id": ["ann"], "candidate_id": ["a"], "category": "receipt", "channel": "push"}
    line, engine = lines(service, "drop", "busy"), service[1]
    before, client = len(requests_in(engine)), connect(line.url)
    with pytest.raises(Unreachable) as told:
        client.decide_columns(table)
    assert told.value.maybe_done
    assert len(requests_in(engine)) == before + 1
    assert client.decide_columns(table)["action"] == ["send"]  # turned away first: nothing had been done
    line.close()


def test_an_erasure_is_asked_for_once(service, connect):
    client = connect(lines(service, "drop").url)
    client_of_all = connect(service[0])
    client_of_all.set_preferences("zoe", {"consent": {"push": True}})
    before = len(service[2].erased)
    with pytest.raises(Unreachable):
        client.erase("zoe")
    assert len(service[2].erased) == before + 1


def test_patience_ends(service, connect):
    line = lines(service, *["busy"] * 9)
    with pytest.raises(Busy):
        connect(line.url).decide(asked())
    assert len(line.seen) == SWIFT.tries
    line.close()


def test_a_limit_on_calls_is_kept_to():
    with serving(calls_per_minute=3) as (url, _, _), Client(url, KEY, patience=Patience(longest_s=1.0)) as client:
        receipts = [client.ingest([{"user_id": "ann", "type": "view"}]) for _ in range(3)]
        assert len(receipts) == 3
        with pytest.raises(Busy, match="3 calls in a minute") as told:  # to come back later than patience lasts
            client.decide(asked())
        assert told.value.retry_after_s > 1.0


def test_what_the_service_says_of_waiting_is_kept_to_and_spread():
    waits = Patience(longest_s=10.0)._hook(repeats=True)

    def busy(told):
        return waits(fault_of("GET /", 503, {} if told is None else {"retry-after": told}, b""))

    assert {1.0 <= busy("1") <= 1.25 for _ in range(50)} == {True}
    assert len({busy("1") for _ in range(9)}) > 1
    assert (busy("11"), busy(None), busy("Wed, 21 Oct 2026 07:28:00 GMT")) == (False, True, True)
    assert not waits(fault_of("GET /", 500, {}, b""))


# What may change.


def test_a_newer_service_may_say_more():
    told = {"accepted": 1, "duplicates": 0, "rejected": [{"index": 0, "field": "f", "problem": "p", "new": 1}], "x": {}}
    read = calls.ingest([], "k").read(200, {}, msgspec.json.encode(told))
    assert read == Receipt(accepted=1, duplicates=0, rejected=(Rejection(index=0, field="f", problem="p"),))


def test_ones_own_http_client_is_used_and_the_key_is_shown_with_it(service):
    seen = []
    http = httpx.Client(base_url=service[0], event_hooks={"request": [seen.append]})
    with Client(http=http, key=KEY, patience=SWIFT) as client:
        assert client.decide(asked()).action == "send"
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert http.is_closed
