"""The service's benchmark asks what it says it asks, of real servers, and counts what it is answered."""

import json
import socket
import threading

import msgspec
import pytest

from andante.benchmarks import service, service_batches, service_overload
from andante.benchmarks.engine_figures import compared, measured
from andante.benchmarks.peers import cue_server
from andante.benchmarks.service_load import _requests, load
from andante.benchmarks.service_questions import CAPS, CONFIG, question, user, users
from andante.benchmarks.service_server import CONSTANT, served
from andante.service.shapes import Batch, Columns

SHORT_S = 0.4


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("bench") / "service.db", CONFIG) as server:
        yield server


def ask(server, path, body=None, users=7):
    """Ask as the benchmark does, without a process of its own for the load."""
    text = json.dumps(body or question(user(0))).replace("user-0000000", "user-%07d")
    more = {"connections": 4, "seconds": SHORT_S, "numbered": users, "words": service.WORDS}
    return load(server.url, path, [text], **more)


def test_a_decision_is_asked_for_each_user_in_turn_and_answered_with_words_that_are_counted(server):
    run = ask(server, "/v1/decisions")
    assert run["statuses"] == {"200": run["answers"]}
    assert sum(run["seen"].values()) == run["answers"] > 10
    assert run["seen"]['"action":"suppress"'] + run["seen"].get('"action":"defer"', 0) > 0  # seven users, one a day
    assert 0 < run["p50_ms"] <= run["p99_ms"] <= run["longest_ms"]
    assert 0 < run["busy"] < 1.5


def test_the_constant_is_answered_by_the_same_server(server):
    run = ask(server, CONSTANT)
    assert run["statuses"] == {"200": run["answers"]}
    assert run["seen"]['"action":"send"'] == run["answers"]


@pytest.mark.parametrize("kind", ["JSON", "MessagePack"])
def test_a_batch_of_either_kind_is_decided_whole(server, kind):
    body = service_batches.bodies(kind, 1)
    media_type = "application/json" if kind == "JSON" else service_batches.MSGPACK
    run = load(server.url, service_batches.PATH, body, connections=1, seconds=SHORT_S, media_type=media_type)
    assert run["statuses"].keys() == {"200"}
    decoder = msgspec.json.Decoder(Batch) if kind == "JSON" else msgspec.msgpack.Decoder(Columns)
    read = decoder.decode(body[0].encode() if kind == "JSON" else bytes.fromhex(body[0]))
    assert len(read.requests if kind == "JSON" else read.user_id) == service_batches.AT_ONCE
    assert service_batches.codec(kind, 0.05) > 0


def test_answers_in_pieces_and_closed_lines_are_counted_right():
    listener = socket.create_server(("127.0.0.1", 0))
    answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nab"

    def serve():
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                for part in (answer[:20], answer[20:], b"cde"):
                    if part is answer[:20]:
                        line.recv(65_536)
                    line.sendall(part)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    run = load(url, "/", ["{}"], connections=2, seconds=SHORT_S, words=["cd"])
    listener.close()
    assert run["statuses"] == {"503": run["answers"]}
    assert run["seen"] == {"cd": run["answers"]}
    assert run["bytes"] == 5 * run["answers"] > 0


def test_numbers_rise_and_begin_anew():
    made = _requests("http://h:1", "/p", ['{"u":"user-%07d"}'], {"a": "b"}, "application/json", 3, 1)
    bodies = [next(made).partition(b"\r\n\r\n")[2] for _ in range(4)]
    assert [body[11:18] for body in bodies] == [b"0000001", b"0000002", b"0000000", b"0000001"]
    assert b"content-length: 20\r\n" in next(made)


def test_too_many_calls_of_a_key_and_too_many_requests_are_turned_away(tmp_path, monkeypatch):
    monkeypatch.setattr(service_overload, "CALLS_PER_MINUTE", 5)
    run = service_overload._limited(SHORT_S, tmp_path)
    assert run["statuses"].get("429", 0) > 0
    monkeypatch.setattr(service_overload, "WAITING_MAX", 200)
    monkeypatch.setattr(service_overload, "CONNECTIONS", 16)
    crowded = service_overload._crowded(1.0, tmp_path)
    assert crowded["statuses"].get("503", 0) > 0
    assert crowded["statuses"].get("200", 0) > 0
    assert "afterwards {'200'" in crowded["after"]
    assert crowded["growth_mib"] < service_overload.GROWTH_MIB_MAX


def test_both_sides_are_asked_the_same_of_the_same_users():
    assert users(service_batches.AT_ONCE, 2) == ["user-0001000", "user-0001001"]
    asked = question(user(3))
    assert asked["candidates"][0]["category"] == cue_server.question(user(3))["category"] == cue_server.CATEGORY
    caps = [(cap["window"], cap["limit"]) for cap in CONFIG["caps"]]
    assert caps == list(CAPS)


def test_figures_say_what_was_answered_and_whether_the_generator_kept_up():
    run = {
        "answers": 4,
        "seconds": 2.0,
        "statuses": {"200": 3, "503": 1},
        "seen": {'"action":"send"': 3},
        "busy": 0.95,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
    }
    assert service._rates([run]) == [1.5]
    assert "send 3" in service._told([run])
    assert "generator may be what was measured" in service._told([run])
    assert "may be what" not in service._told([{**run, "busy": 0.2}])
    assert [figure.ours for figure in service._latencies("w", [run])] == [1.0, 2.0]
    assert compared("p", "w", "1/s", [2.0], [1.0], "b", at_least=0.5).met
    assert measured("p", "w", "MiB", [2.0], at_most=1.0).met is False
