"""Every call of the surface, once, as its callers make it."""

import re

import msgspec
import pyarrow as pa
import pytest
from service_desk import AT, STAMP, asked, consents, problem, served

from andante.live.answers_columns import NO_ROW

MSGPACK, ARROW = "application/msgpack", "application/vnd.apache.arrow.stream"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("service") / "shop.db") as shop:
        consents(shop.client)
        yield shop


def test_a_decision_has_the_fields_of_the_surface(shop):
    answer = shop.client.post("/v1/decisions", json=asked(category="receipt")).json()
    assert set(answer) == {
        "decision_id",
        "action",
        "candidate_id",
        "channel",
        "send_at",
        "reasons",
        "propensity",
        "plan_per_week",
        "policy_version",
    }
    assert (answer["action"], answer["candidate_id"], answer["channel"]) == ("send", "c1", "push")


def test_a_batch_is_decided_in_order(shop):
    requests = [asked(user, f"for-{user}", category="receipt") for user in ("ann", "nobody", "ann")]
    decisions = shop.client.post("/v1/decisions/batch", json={"requests": requests}).json()["decisions"]
    assert [one["candidate_id"] for one in decisions] == ["for-ann", None, "for-ann"]
    assert shop.client.post("/v1/decisions/batch", json={"requests": []}).json() == {"decisions": []}


TABLE = {"user_id": ["ann", "nobody"], "candidate_id": ["a", "b"], "category": "receipt", "channel": "push"}


def test_a_table_of_messagepack_is_answered_with_one(shop):
    body = msgspec.msgpack.encode(TABLE | {"expires_at": ["2100-01-01T00:00:00Z", None], "value": 2})
    answer = shop.client.post("/v1/decisions/batch", content=body, headers={"content-type": MSGPACK})
    assert answer.headers["content-type"] == MSGPACK
    decided = msgspec.msgpack.decode(answer.content)
    assert (decided["action"], decided["row"]) == (["send", "suppress"], [0, NO_ROW])
    assert (decided["send_at"][0] > AT, decided["send_at"][1]) == (True, None)
    assert decided["reasons"][1] == ["consent_channel"]


def test_a_table_of_arrow_is_answered_with_one(shop):
    table = pa.table({**TABLE, "category": ["receipt"] * 2, "channel": ["push"] * 2})
    answer = shop.client.post("/v1/decisions/batch", content=stream(table), headers={"content-type": ARROW})
    decided = pa.ipc.open_stream(answer.content).read_all()
    assert decided["action"].to_pylist() == ["send", "suppress"]
    assert str(decided.schema.field("send_at").type) == "timestamp[s, tz=UTC]"


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_compressed_arrow_is_refused_before_it_is_unpacked(shop, codec):
    table = pa.table({name: ["x" * 100] * 100 for name in TABLE})
    answer = shop.client.post(
        "/v1/decisions/batch",
        content=stream(table, pa.ipc.IpcWriteOptions(compression=codec)),
        headers={"content-type": ARROW},
    )
    assert "compressed" in problem(answer, 415)["detail"]


@pytest.mark.parametrize("cut", [0, 7, 100, 400])
def test_a_broken_stream_of_arrow_is_a_bad_request(shop, cut):
    body = stream(pa.table({name: ["x"] * 9 for name in TABLE}))[:cut]
    problem(shop.client.post("/v1/decisions/batch", content=body, headers={"content-type": ARROW}), 400)


def test_a_row_of_a_table_that_cannot_be_taken_is_named(shop):
    body = msgspec.msgpack.encode(TABLE | {"relevance": [1.0, -1.0]})
    answer = shop.client.post("/v1/decisions/batch", content=body, headers={"content-type": MSGPACK})
    assert problem(answer, 422)["field"] == "columns.relevance[1]"


def test_events_come_as_one_as_a_list_and_as_lines(shop):
    event = {"user_id": "ann", "type": "view", "at": STAMP}
    assert shop.client.post("/v1/events", json=event).json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert shop.client.post("/v1/events", json=[event, event]).json()["accepted"] == 2
    lines = b'\n{"user_id":"ann","type":"view"}\nno json\n{"user_id":"ann","type":"vew"}\n'
    told = shop.client.post("/v1/events", content=lines, headers={"content-type": "application/x-ndjson"}).json()
    assert told["accepted"] == 1
    assert [(one["index"], one["field"]) for one in told["rejected"]] == [(2, ""), (3, "type")]


def test_one_bad_event_of_a_list_is_rejected_by_itself(shop):
    told = shop.client.post("/v1/events", json=[{"user_id": "ann", "type": "view"}, {"user_id": 7}, "x"]).json()
    assert told["accepted"] == 1
    assert [one["index"] for one in told["rejected"]] == [1, 2]


def test_an_outcome_counts_once(shop):
    sent = shop.client.post("/v1/decisions", json=asked(category="receipt")).json()
    outcome = {"decision_id": sent["decision_id"], "type": "opened"}
    assert shop.client.post("/v1/outcomes", json=outcome).json()["accepted"] == 1
    assert shop.client.post("/v1/outcomes", json=[outcome]).json() == {"accepted": 0, "duplicates": 1, "rejected": []}


def test_preferences_say_which_keys_hold_from_here_on(shop):
    put = shop.client.put("/v1/users/cid/preferences", json={"consent": {"push": True}, "at": "2026-05-02T00:00:00Z"})
    assert put.json() == {"consent.push": True}
    older = {"consent": {"push": True}, "max_per_day": 2, "at": "2026-05-01T00:00:00Z"}
    assert shop.client.put("/v1/users/cid/preferences", json=older).json() == {
        "consent.push": False,
        "max_per_day": True,
    }


def test_a_user_is_shown_and_explained(shop):
    shop.client.post("/v1/decisions", json=asked())
    assert shop.client.get("/v1/users/ann").json()["consent"] == {"push": True}
    assert shop.client.get("/v1/users/ann/explanation").json()["user"]["user_id"] == "ann"
    problem(shop.client.get("/v1/users/stranger"), 404)


def test_an_id_may_hold_a_slash_and_any_letter(shop):
    consents(shop.client, "shop%2Fann%20%E5%BC%A0")
    assert shop.client.get("/v1/users/shop%2Fann%20%E5%BC%A0").json()["user_id"] == "shop/ann 张"
    problem(shop.client.get("/v1/users/%ff"), 400)


def test_a_plan_is_published_and_the_kill_switch_thrown(shop):
    plan = {"plan": [{"user_id": "ann", "plan_per_week": 4.5, "interest": 0.5}], "theta": 0.4}
    assert shop.client.post("/v1/plan", json=plan).json()["accepted"] == 1
    assert shop.client.get("/v1/users/ann").json()["plan_per_week"] == 4.5
    assert shop.client.post("/v1/switch", json={"scope": "category:receipt", "on": True}).json()["policy_version"]
    held = shop.client.post("/v1/decisions", json=asked(category="receipt")).json()
    assert (held["action"], held["reasons"][0]) == ("suppress", "kill_switch")
    shop.client.post("/v1/switch", json={"scope": "category:receipt", "on": False})
    assert shop.client.post("/v1/decisions", json=asked(category="receipt")).json()["action"] == "send"


def test_segment_messages_become_events_and_preferences(shop):
    batch = [
        {"type": "identify", "userId": "seg", "traits": {"consent": {"push": True}, "email": "x@shop.example"}},
        {"type": "track", "event": "Order Completed", "userId": "seg", "messageId": "m1", "properties": {"total": 9}},
        {"type": "track", "event": "Mind Read", "userId": "seg"},
        {"type": "page", "anonymousId": "a1"},
        "nonsense",
    ]
    told = shop.client.post("/v1/segment", json={"batch": batch}).json()
    assert (told["accepted"], [one["index"] for one in told["rejected"]]) == (2, [2, 3, 4])
    assert shop.client.post("/v1/segment", json=batch[1]).json()["duplicates"] == 1
    seen = shop.client.get("/v1/users/seg").json()
    assert (seen["consent"], seen["events"]["purchase"]) == ({"push": True}, 1.0)


def test_the_server_says_that_it_lives_and_what_it_did(shop):
    assert shop.client.get("/healthz").json() == {"status": "ok"}
    assert shop.client.get("/readyz").json() == {"ready": True, "problem": None}
    shop.client.post("/v1/decisions", json=asked(category="receipt"))
    page = shop.client.get("/metrics").text
    assert re.search(r'andante_decisions_total\{action="send",reason="transactional"\} [1-9]', page)
    assert re.search(r"andante_engine_position [1-9]", page)
    assert 'andante_http_requests_total{route="/v1/decisions",status="200"}' in page
    assert '"ann"' not in page


def test_what_is_not_there_is_a_problem_and_so_is_a_wrong_method(shop):
    problem(shop.client.get("/v1/nothing"), 404)
    assert problem(shop.client.get("/v1/decisions"), 405)["action"] == "use POST"
    assert shop.client.request("DELETE", "/v1/users/ann/preferences").headers["allow"] == "PUT"


def test_a_request_id_is_the_callers_own_where_it_is_harmless(shop):
    assert shop.client.get("/healthz", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert shop.client.get("/healthz", headers={"x-request-id": "a b;<c>"}).headers["x-request-id"] != "a b;<c>"


def stream(table, options=None):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
