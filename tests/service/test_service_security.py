"""What must not work: calls without a key or beyond its scope, bodies that are too much, forged and replayed tokens."""

import json
import socket
import stat
from datetime import timedelta
from urllib.parse import quote

import pytest
from service_desk import asked, consents, key_of, problem, served

from andante import Engine
from andante.service.keys import new_key
from andante.service.running import Running
from andante.service.secret import kept_secret
from andante.service.serving import Serving
from andante.service.tokens import Leaving, Tokens
from andante.settings.sections.service import SCOPES, Service
from andante.vocabulary.fault import SettingsFault, StoreUnreadable

JSON = {"content-type": "application/json"}
NEEDS = {
    "decisions": ("POST", "/v1/decisions"),
    "events": ("POST", "/v1/events"),
    "outcomes": ("POST", "/v1/outcomes"),
    "users.read": ("GET", "/v1/users/ann"),
    "users.write": ("PUT", "/v1/users/ann/preferences"),
    "admin": ("POST", "/v1/switch"),
}


@pytest.fixture(scope="module")
def shop():
    with served() as shop:
        consents(shop.client)
        yield shop


@pytest.fixture(scope="module")
def locked():
    headers, entries = zip(*(key_of(scope.replace(".", "-"), scope) for scope in SCOPES), strict=True)
    with served(keys=entries) as shop:
        shop.headers = dict(zip(SCOPES, headers, strict=True))
        yield shop


@pytest.mark.parametrize("scope", NEEDS)
def test_a_key_opens_what_it_is_for_and_nothing_else(locked, scope):
    method, path = NEEDS[scope]
    for own, headers in locked.headers.items():
        answer = locked.client.request(method, path, content=b"{}", headers=headers | JSON)
        if own == scope:
            assert answer.status_code not in {401, 403}
        else:
            assert scope in problem(answer, 403)["detail"]


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer andante_wrong"},
        {"authorization": "Basic !!!"},
        {"authorization": "Digest x"},
        {"authorization": "Bearer " + "x" * 5000},
    ],
)
def test_no_key_or_a_wrong_one_is_401(locked, shown):
    answer = locked.client.post("/v1/decisions", json=asked(), headers=shown)
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_key_may_be_the_user_of_basic_as_segment_sends_it(locked):
    key = locked.headers["events"]["authorization"].removeprefix("Bearer ")
    assert locked.client.post("/v1/events", json=[], auth=(key, "")).status_code == 200


def test_metrics_need_a_key_and_health_does_not(locked):
    problem(locked.client.get("/metrics"), 401)
    assert locked.client.get("/metrics", headers=locked.headers["admin"]).status_code == 200
    assert locked.client.get("/readyz").status_code == 200


def test_guessing_keys_is_slowed_down():
    with served(keys=[key_of("one")[1]], page_calls_per_minute=3) as shop:
        tried = [shop.client.post("/v1/decisions", json=asked()).status_code for _ in range(5)]
        assert tried == [401] * 3 + [429] * 2
        assert shop.client.post("/v1/decisions", json=asked(), headers=key_of("one")[0]).status_code == 200


def test_without_a_key_only_loopback_is_listened_on():
    engine = Engine.open(":memory:")
    settings = Service(host="0.0.0.0", port=0)  # noqa: S104  which is what is refused
    with pytest.raises(SettingsFault, match="no API key is configured"):
        Running(Serving(engine, settings, Tokens("x", timedelta(days=1))), "0")
    engine.close()


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"host": "evil.example:80"}, {"origin": "https://evil.example"}, {"origin": "null"}],
)
def test_without_a_key_no_page_of_elsewhere_may_call(shop, headers):
    problem(shop.client.post("/v1/decisions", json=asked(), headers=headers), 403)


def test_pages_of_other_origins_may_call_only_where_that_is_configured(shop):
    preflight = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in shop.client.options("/v1/outcomes", headers=preflight).headers
    with served(cors_origins=["https://shop.example"]) as open_shop:
        answer = open_shop.client.options("/v1/outcomes", headers=preflight)
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        elsewhere = open_shop.client.options("/v1/outcomes", headers=preflight | {"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in elsewhere.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"user_id":' * 100_000, 413),
        (b"[" * 200_000, 400),
        (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, 413),
        (b"", 400),
        (b"\xff\xfe", 400),
        (b'{"user_id":"\\ud800","candidates":[]}', 400),
        (b"1e999999", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"user_id":"ann","candidates":[],"extra":1}', 422),
    ],
)
def test_a_body_that_is_too_much_or_nothing_is_refused(shop, body, status):
    answer = shop.client.post("/v1/decisions", content=body, headers=JSON)
    assert answer.status_code in {status, 400, 413}, answer.text
    problem(answer, answer.status_code)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/segment", "/v1/outcomes", "/v1/decisions/batch", "/v1/plan"])
def test_json_nested_deeply_is_refused_everywhere(shop, path):
    for body in (b"[" * 300_000, b'{"batch":' * 30_000, b'[{"user_id":' + b"[" * 300_000):
        problem(shop.client.post(path, content=body, headers=JSON), 400)


def test_a_body_is_refused_by_its_length_before_it_is_read(shop):
    host, port = shop.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as line:
        line.sendall(
            b"POST /v1/decisions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            b"content-length: 99999999999\r\n\r\n"
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_without_a_length_is_refused_once_it_is_too_long(shop):
    chunks = (b" " * 65_536 for _ in range(64))
    problem(shop.client.post("/v1/decisions", content=chunks, headers=JSON), 413)
    assert shop.serving.bodies.held == 0


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_of_another_kind_is_415_so_a_plain_form_cannot_call(shop, kind):
    problem(shop.client.post("/v1/decisions", content=json.dumps(asked()), headers={"content-type": kind}), 415)


def test_a_compressed_body_is_not_unpacked(shop):
    problem(shop.client.post("/v1/decisions", content=b"x", headers=JSON | {"content-encoding": "gzip"}), 415)


def raw(shop, request):
    host, port = shop.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as line:
        line.sendall(request)
        got = b""
        while piece := line.recv(65_536):
            got += piece
        return got


def test_headers_without_end_are_refused(shop):
    try:
        got = raw(shop, b"GET /healthz HTTP/1.1\r\nx: " + b"y" * 200_000)
    except ConnectionError:  # it was refused while more was being sent
        return
    assert got.startswith(b"HTTP/1.1 431")


def test_what_is_no_http_is_refused_as_a_problem(shop):
    got = raw(shop, b"\x16\x03\x01 nonsense\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in got


def test_nothing_that_is_sent_becomes_a_header_of_the_answer(shop):
    path = b"/v1/users/a%0d%0aset-cookie:%20x=1"
    request = b"GET " + path + b" HTTP/1.1\r\nhost: 127.0.0.1\r\nx-request-id: a%0d%0ab\r\nconnection: close\r\n\r\n"
    head, _, _ = raw(shop, request).partition(b"\r\n\r\n")
    assert b"set-cookie" not in head.lower()
    assert b"%0d" not in head


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/v1/users/..%2f..%2fetc%2fpasswd", "/u/..%2f..%2fx", "//", "/%00"]
)
def test_no_path_leads_out(shop, path):
    answer = shop.client.get(shop.url + path)
    assert answer.status_code in {400, 404}
    problem(answer, answer.status_code)


def test_every_answer_carries_the_headers_that_keep_browsers_careful(shop):
    for answer in (shop.client.get("/healthz"), shop.client.get("/nothing"), shop.client.post("/v1/decisions")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def sent(shop, user="ann"):
    decision = shop.client.post("/v1/decisions", json=asked(user, category="receipt")).json()
    assert decision["action"] == "send"
    return decision["decision_id"]


def test_a_page_reports_with_its_token_alone_and_each_type_once(locked):
    consents_as(locked)
    decision_id = sent_as(locked)
    path = f"/v1/outcomes?token={quote(locked.serving.tokens.outcome(decision_id))}"
    assert locked.client.post(path, json={"type": "clicked"}).json()["accepted"] == 1
    assert locked.client.post(path, json={"type": "clicked"}).json() == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert locked.client.post(path, json={"type": "opened", "decision_id": decision_id}).json()["accepted"] == 1


def test_a_page_may_not_report_for_another_push_nor_money(locked):
    consents_as(locked)
    path = f"/v1/outcomes?token={quote(locked.serving.tokens.outcome(sent_as(locked)))}"
    problem(locked.client.post(path, json={"type": "clicked", "decision_id": "3fa2c1-1b-7"}), 403)
    problem(locked.client.post(path, json={"type": "converted"}), 403)
    problem(locked.client.post(path, json={"type": "converted", "value": 9}), 422)


def test_a_forged_a_changed_and_an_old_token_are_401(locked):
    token = locked.serving.tokens.outcome("3fa2c1-1b-7")
    body, dot, rest = token.partition(".")
    other = Tokens("another secret", timedelta(days=1)).outcome("3fa2c1-1b-7")
    leaving = locked.serving.tokens.unsubscribe(Leaving("ann", "push", "3fa2c1-1b-7"))
    over = Tokens("a secret of the tests alone", timedelta(seconds=-1))
    for wrong in ("", "x", token[:-1], body[:-1] + "A" + dot + rest, other, leaving, "y" * 9000):
        problem(locked.client.post("/v1/outcomes", params={"token": wrong}, json={"type": "clicked"}), 401)
    with pytest.raises(Exception, match="over"):
        over.decision_of(over.outcome("3fa2c1-1b-7"))


def test_looking_at_an_unsubscribe_link_changes_nothing_and_pressing_the_button_does():
    with served() as shop:
        consents(shop.client)
        token = shop.serving.tokens.unsubscribe(Leaving("ann", "push", sent(shop)))
        for _ in range(3):
            page = shop.client.get(f"/u/{token}")
            assert page.headers["content-type"].startswith("text/html")
            assert "<form method" in page.text
        shop.client.head(f"/u/{token}")
        assert shop.client.get("/v1/users/ann").json()["consent"] == {"push": True}
        one_click = shop.client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
        assert one_click.status_code == 200
        assert shop.client.get("/v1/users/ann").json()["consent"] == {"push": False}
        assert shop.client.post(f"/u/{token}").status_code == 200, "twice is no fault"


def test_a_forged_unsubscribe_link_leads_nowhere_and_its_page_holds_no_script():
    with served() as shop:
        problem(shop.client.post("/u/forged"), 404)
        token = shop.serving.tokens.unsubscribe(Leaving("ann", "<script>alert(1)</script>", "3fa2c1-1b-7"))
        page = shop.client.get(f"/u/{token}")
        assert "<script>" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path):
    file = tmp_path / "shop.db.secret"
    secret = kept_secret(file, "tokens")
    assert len(secret) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept_secret(file, "vapid") != secret
    assert kept_secret(file, "tokens") == secret
    file.chmod(0o644)
    with pytest.raises(StoreUnreadable, match="chmod 600"):
        kept_secret(file, "tokens")


def test_a_new_key_is_long_and_never_the_same():
    keys = {new_key().key for _ in range(50)}
    assert len(keys) == 50
    assert min(map(len, keys)) >= 40


def consents_as(locked):
    wishes = {"consent": {"push": True}}
    put = locked.client.put("/v1/users/ann/preferences", json=wishes, headers=locked.headers["users.write"])
    assert put.status_code == 200


def sent_as(locked):
    body = asked(category="receipt")
    decision = locked.client.post("/v1/decisions", json=body, headers=locked.headers["decisions"]).json()
    assert decision["action"] == "send"
    return decision["decision_id"]


def _told_from(shop, *addresses):
    """Return how outcomes with a wrong token are answered that say from where they come."""
    answers = [
        shop.client.post("/v1/outcomes?token=x", json={"type": "opened"}, headers={"x-forwarded-for": address})
        for address in addresses
    ]
    return [answer.status_code for answer in answers]


def test_caller_behind_a_trusted_proxy_is_counted_by_their_own_address():
    with served(page_calls_per_minute=1, trusted_proxies=["127.0.0.1"]) as shop:
        assert _told_from(shop, "203.0.113.1", "203.0.113.2", "203.0.113.1") == [401, 401, 429]


def test_nobody_else_is_believed_from_where_they_come():
    with served(page_calls_per_minute=1) as shop:
        assert _told_from(shop, "203.0.113.1", "203.0.113.2") == [401, 429]
