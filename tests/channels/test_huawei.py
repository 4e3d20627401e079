"""Huawei Push Kit against a real HTTP/2 server: what arrives, what each of its answers means, and its receipts."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs

import pytest
from channel_peers import a_push, an_address, frames, served, speaking
from h2.errors import ErrorCodes
from h2.events import StreamEnded
from provider_desk import IMPATIENT, NOW_S, Clock, Provider, attempted, attempts_at, http, said

from andante.channels.contract import Content, Status
from andante.channels.huawei import CODES, Huawei, huawei
from andante.settings.sections.channels import HuaweiOptions
from andante.vocabulary.fault import InputFault, SettingsFault

TOKEN = said(200, {"access_token": "at-1", "expires_in": 3600, "token_type": "Bearer"})
DEVICE = an_address("huawei", {"token": "0864000000000000000001CN01"})
KEY = "callback-key"


def channel(url, clock=None, limits=None, **options):
    clock = clock or Clock()
    named = {"endpoint": url, "token_url": f"{url}/oauth2/v3/token", "now_s": clock}
    return Huawei("100", "app-secret", http(limits, clock), **(named | options))


def result(code, msg="", status=200, **headers):
    return said(status, {"code": code, "msg": msg, "requestId": "157-6"}, **headers)


def one(*answers, push=None, tokens=(TOKEN,), **options):
    provider = Provider(oauth2=tokens, v1=answers)
    (answer,) = attempted(lambda url: channel(url, **options), provider, (push or a_push(), DEVICE))
    return answer, provider


def sent(push, **options):
    _, provider = one(result("80000000"), push=push, **options)
    (seen,) = provider.seen("v1")
    return json.loads(seen["body"])["message"]


def test_marketing_arrives_as_huawei_documents_it():
    answer, provider = one(result("80000000", "Success"), push=a_push(campaign_id="spring", expires_s=int(NOW_S) + 90))
    (seen,) = provider.seen("v1")
    assert (answer.status, answer.provider_id) == (Status.ACCEPTED, "157-6")
    assert (seen["path"], seen["headers"]["authorization"]) == ("/v1/100/messages:send", "Bearer at-1")
    body = json.loads(seen["body"])
    data = json.loads(body["message"].pop("data"))
    assert data == {"decision_id": "d-1", "url": "https://shop.example/sale"}
    assert body == {
        "validate_only": False,
        "message": {
            "token": ["0864000000000000000001CN01"],
            "android": {
                "category": "MARKETING",
                "bi_tag": "d-1",
                "ttl": "90s",
                "notification": {
                    "title": "Sale",
                    "body": "Only today",
                    "click_action": {"type": 2, "url": "https://shop.example/sale"},
                    "tag": "campaign-spring",
                    "importance": "LOW",
                },
            },
        },
    }


def test_the_access_token_is_got_as_a_client():
    _, provider = one(result("80000000"))
    (seen,) = provider.seen("oauth2")
    assert parse_qs(seen["body"].decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["100"],
        "client_secret": ["app-secret"],
    }


def test_a_transactional_push_is_work_and_is_heard():
    android = sent(a_push(transactional=True), work_category="EXPRESS")["android"]
    assert (android["category"], android["notification"]["importance"]) == ("EXPRESS", "NORMAL")


def test_a_list_is_an_inbox_and_a_card_has_its_picture():
    entries = ({"title": "Hat"}, {"title": "Shoe", "body": "-20 %"})
    shown = sent(a_push(content=Content(title="Two", form="list", entries=entries)))["android"]["notification"]
    assert (shown["style"], shown["inbox_content"], shown["click_action"]) == (3, ["Hat", "Shoe: -20 %"], {"type": 3})
    card = Content(title="Shoe", form="card", image_url="https://shop.example/s.jpg", url="shop://shoe/1")
    shown = sent(a_push(content=card))["android"]["notification"]
    assert (shown["image"], shown["click_action"]) == (
        "https://shop.example/s.jpg",
        {"type": 1, "intent": "shop://shoe/1"},
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (Content(title="x", form="video", video_url="https://shop.example/v.mp4"), "form"),
        (Content(title="x", form="list", entries=({"title": "y"},) * 6), "content"),
        (Content(title="x", form="list", entries=({"title": "y" * 1_025},)), "content"),
        (Content(title="x", form="card", image_url="http://shop.example/s.jpg"), "content"),
        (Content(title="x", body="語" * 1_400), "size"),
    ],
)
def test_what_push_kit_cannot_do_is_refused_before_anything_is_sent(content, code):
    answer, provider = one(result("80000000"), push=a_push(content=content))
    assert (answer.status, answer.code) == (Status.UNABLE, code)
    assert provider.seen("oauth2") == provider.seen("v1") == []


def test_a_video_goes_as_data_alone_to_an_app_that_shows_it():
    content = Content(title="x", form="video", video_url="https://shop.example/v.mp4")
    message = sent(a_push(content=content), app_forms=("video",))
    assert "notification" not in message["android"]
    assert json.loads(message["data"])["video_url"] == "https://shop.example/v.mp4"


ILLEGAL = json.dumps({"success": 0, "failure": 1, "illegal_tokens": ["0864000000000000000001CN01"]})
MEANINGS = [
    (200, "80000000", "Success", Status.ACCEPTED),
    (200, "80100000", ILLEGAL, Status.GONE),
    (200, "80100000", json.dumps({"success": 1, "failure": 0}), Status.ACCEPTED),
    (400, "80100001", "UnSupported svc", Status.REFUSED),
    (400, "80100003", "Illegal payload", Status.REFUSED),
    (400, "80100004", "", Status.REFUSED),
    (400, "80100013", "", Status.REFUSED),
    (200, "80100016", "", Status.REFUSED),
    (200, "80100017", "", Status.BUSY),
    (400, "80300002", "No permission", Status.UNABLE),
    (200, "80300007", "All the tokens are invalid", Status.GONE),
    (400, "80300007", "All the tokens are invalid", Status.GONE),
    (400, "80300008", "", Status.UNABLE),
    (400, "80300010", "", Status.UNABLE),
    (400, "80300011", "", Status.UNABLE),
    (400, "80300013", "", Status.UNABLE),
    (500, "80600003", "", Status.UNABLE),
    (500, "81000001", "System inner error", Status.BUSY),
    (200, "89999999", "something new", Status.REFUSED),
    (200, "", "no code at all", Status.AMBIGUOUS),
    (502, "", "", Status.AMBIGUOUS),
    (503, "", "", Status.BUSY),
    (404, "", "", Status.REFUSED),
]


def test_each_documented_code_has_its_meaning():
    provider = Provider(oauth2=[TOKEN], v1=[result(code, msg, status) for status, code, msg, _ in MEANINGS])
    answers = attempted(channel, provider, *[(a_push(), DEVICE)] * len(MEANINGS))
    assert [(answer.code, answer.status) for answer in answers] == [
        (f"{status} {code}".strip(), means) for status, code, _, means in MEANINGS
    ]
    assert CODES.keys() <= {code for _, code, *_ in MEANINGS} | {"80200001", "80200003"}


def test_a_wait_is_kept_where_traffic_is_controlled():
    assert one(result("", status=503, **{"retry-after": "3"}))[0].retry_after_s == 3


@pytest.mark.parametrize("stale", [result("80200003", status=401), result("80200001", status=400), result("80200003")])
def test_a_refused_token_is_renewed_once_and_then_we_are_unable(stale):
    tokens = (TOKEN, said(200, {"access_token": "at-2", "expires_in": 3600}))
    answer, provider = one(stale, result("80000000"), tokens=tokens)
    assert (answer.status, len(provider.seen("oauth2"))) == (Status.ACCEPTED, 2)
    answer, provider = one(stale, tokens=tokens)
    assert (answer.status, len(provider.seen("v1"))) == (Status.UNABLE, 2)


def test_wrong_credentials_make_us_unable_and_are_not_told():
    told = {"error": 1101, "sub_error": 20044, "error_description": "app-secret is wrong"}
    answer, _ = one(result("80000000"), tokens=(said(400, told),))
    assert (answer.status, answer.code, answer.raw) == (Status.UNABLE, "token 400 1101", "")
    assert "app-secret" not in repr(answer)


def test_a_peer_that_breaks_off_is_ambiguous_and_one_that_did_not_look_is_busy():
    def tried(react, limits=None):
        async def run():
            async with served(Provider(oauth2=[TOKEN])) as honest, speaking(frames(react)) as port:
                token_url = f"https://localhost:{honest}/oauth2/v3/token"
                made = channel(f"https://localhost:{port}", limits=limits, token_url=token_url)
                return await attempts_at(made, [(a_push(), DEVICE)])

        return asyncio.run(run())[0].status

    def reset(code):
        return lambda seen, line, _: isinstance(seen, StreamEnded) and line.reset_stream(seen.stream_id, code)

    assert tried(reset(ErrorCodes.REFUSED_STREAM)) is Status.BUSY
    assert tried(reset(ErrorCodes.INTERNAL_ERROR)) is Status.AMBIGUOUS
    assert tried(lambda *_: False, IMPATIENT) is Status.AMBIGUOUS


def signed(at_s=NOW_S, user="shop", key=KEY, nonce="a07bfa17"):
    at_ms = str(int(at_s * 1_000))
    value = base64.b64encode(hmac.new(key.encode(), f"{at_ms}{nonce}{user}".encode(), hashlib.sha256).digest()).decode()
    return {"X-HUAWEI-CALLBACK-ID": f"timestamp={at_ms}; nonce={nonce}; value={value}"}


def receiving(**options):
    return Huawei("100", "s", None, **({"callback": ("shop", KEY), "now_s": Clock()} | options))


def test_receipts_of_both_versions_become_outcomes():
    old = {
        "biTag": "d-1",
        "appid": "100",
        "token": "t",
        "status": 0,
        "timestamp": 1_750_000_001_000,
        "requestId": "157",
    }
    new = {"pushType": 0, "appPackageName": "a", "biTag": "d-2", "token": "t", "requestId": "158"}
    states = [0, 2, 5, 6, 10, 15, 27, 51, 102, 201]
    reports = [old] + [new | {"deliveryStatus": {"result": state, "timestamp": 1_750_000_002_000}} for state in states]
    first, *rest = receiving().receipts(signed(), json.dumps({"statuses": reports}).encode())
    assert (first.outcome, first.decision_id, first.provider_id) == ("delivered", "d-1", "157")
    assert first.at_us == 1_750_000_001_000_000
    assert [one.outcome for one in rest] == ["delivered"] + ["failed"] * 5 + ["failed"] * 2
    assert all('"token"' not in one.raw for one in [first, *rest])


@pytest.mark.parametrize(
    ("headers", "options"),
    [
        ({}, {}),
        (signed(key="other"), {}),
        (signed(user="other"), {}),
        (signed(NOW_S - 901), {}),
        (signed(NOW_S + 901), {}),
        (signed() | {"X-HUAWEI-CALLBACK-ID": "timestamp=x; nonce=; value="}, {}),
        (signed(key="", user=""), {"callback": None}),
    ],
)
def test_a_call_that_is_not_signed_with_our_key_now_is_refused(headers, options):
    with pytest.raises(InputFault, match="are not signed"):
        receiving(**options).receipts(headers, b'{"statuses":[]}')


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"statuses":[1]}', b'{"statuses":[{}]}', b'{"statuses":[{"status":true}]}']
)
def test_a_call_that_is_no_report_is_refused(body):
    with pytest.raises(InputFault, match="cannot be read"):
        receiving().receipts(signed(), body)


def test_settings_open_the_channel(tmp_path):
    file = tmp_path / "secret"
    file.write_text("app-secret\n")
    opened = huawei(HuaweiOptions(provider="huawei", app_id="100", secret_file=file), None)
    assert opened._url == "https://push-api.cloud.huawei.com/v1/100/messages:send"
    assert (opened._work_category, opened.forms) == ("WORK", ("text", "card", "list"))
    with pytest.raises(InputFault, match="are not signed"):
        opened.receipts(signed(int(time.time())), b'{"statuses":[]}')


def test_receipts_are_believed_and_work_is_sent_as_the_settings_say(tmp_path):
    for name, text in (("secret", "app-secret"), ("key", KEY + "\n")):
        (tmp_path / name).write_text(text)
    given = {"provider": "huawei", "app_id": "100", "secret_file": tmp_path / "secret"}
    callback = {"callback_user": "shop", "callback_key_file": tmp_path / "key"}
    opened = huawei(HuaweiOptions(**given, **callback, work_category="EXPRESS", app_forms=["video"]), None)
    assert opened.receipts(signed(int(time.time())), b'{"statuses":[]}') == []
    assert (opened._work_category, opened.forms) == ("EXPRESS", ("text", "card", "list", "video"))
    for name, value in callback.items():
        with pytest.raises(SettingsFault, match=f"{name} .*stands alone"):
            huawei(HuaweiOptions(**given, **{name: value}), None)
