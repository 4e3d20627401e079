"""FCM HTTP v1 against a real HTTP/2 server: what arrives, and what each of its answers means."""

import asyncio
import json

import jwt
import pytest
from channel_peers import a_push, an_address, frames, served, speaking
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded
from provider_desk import IMPATIENT, NOW_S, Clock, Provider, attempted, attempts_at, google_key, http, pem, said

from andante.channels.contract import Content, Status
from andante.channels.fcm import GRANT, SCOPE, Account, Fcm, fcm, read_account
from andante.settings.sections.channels import FcmOptions
from andante.vocabulary.fault import SettingsFault

TOKEN = said(200, {"access_token": "ya29.secret", "expires_in": 3600, "token_type": "Bearer"})
TAKEN = said(200, {"name": "projects/shop/messages/0:17"})
DEVICE = an_address("fcm", {"token": "device-1"})


def account(url="https://localhost"):
    return Account("shop", "push@shop.iam.example", pem(google_key()), "key-1", f"{url}/token")


def channel(url, clock=None, limits=None, **options):
    clock = clock or Clock()
    return Fcm(account(url), http(limits, clock), endpoint=url, now_s=clock, **options)


def refusal(status, code, **headers):
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    error = {"code": status, "message": "no", "status": "X", "details": [{"@type": kind, "errorCode": code}]}
    return said(status, {"error": error}, **headers)


def one(*answers, push=None, tokens=(TOKEN,), make=channel):
    provider = Provider(token=tokens, v1=answers)
    (answer,) = attempted(make, provider, (push or a_push(), DEVICE))
    return answer, provider


def sent(push, **options):
    _, provider = one(TAKEN, push=push, make=lambda url: channel(url, **options))
    (seen,) = provider.seen("v1")
    return json.loads(seen["body"])["message"]


def test_a_push_arrives_as_fcm_documents_it():
    push = a_push(campaign_id="spring", expires_s=int(NOW_S) + 600, outcome_url="https://shop.example/o?t=1")
    answer, provider = one(TAKEN, push=push, make=lambda url: channel(url, android_channel="offers"))
    (seen,) = provider.seen("v1")
    assert (answer.status, answer.provider_id) == (Status.ACCEPTED, "projects/shop/messages/0:17")
    assert (seen["version"], seen["path"]) == ("2", "/v1/projects/shop/messages:send")
    assert seen["headers"]["authorization"] == "Bearer ya29.secret"
    assert json.loads(seen["body"]) == {
        "message": {
            "token": "device-1",
            "notification": {"title": "Sale", "body": "Only today"},
            "data": {
                "decision_id": "d-1",
                "url": "https://shop.example/sale",
                "outcome_url": "https://shop.example/o?t=1",
            },
            "android": {
                "priority": "NORMAL",
                "ttl": "600s",
                "collapse_key": "campaign-spring",
                "notification": {"tag": "campaign-spring", "channel_id": "offers"},
            },
        }
    }


def test_a_transactional_push_is_urgent_and_takes_the_place_of_itself_alone():
    android = sent(a_push(transactional=True, campaign_id="spring"))["android"]
    assert android == {"priority": "HIGH", "notification": {"tag": "decision-d-1"}}


def test_the_assertion_is_signed_by_the_service_account_for_the_token_endpoint():
    answer, provider = one(TAKEN)
    (seen,) = provider.seen("token")
    form = dict(part.split("=") for part in seen["body"].decode().split("&"))
    unchecked = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    claims = jwt.decode(form["assertion"], google_key().public_key(), algorithms=["RS256"], options=unchecked)
    assert answer.status is Status.ACCEPTED
    assert form["grant_type"] == GRANT.replace(":", "%3A")
    assert (claims["iss"], claims["scope"]) == ("push@shop.iam.example", SCOPE)
    assert (claims["iat"], claims["exp"]) == (NOW_S, NOW_S + 3_600)
    assert claims["aud"].endswith("/token")
    assert jwt.get_unverified_header(form["assertion"])["kid"] == "key-1"


def test_a_token_serves_until_shortly_before_its_end_and_is_fetched_once_for_all_who_wait():
    clock, provider = Clock(), Provider(token=[TOKEN], v1=[TAKEN])

    async def at_once(channel):
        return await asyncio.gather(*(channel.send(a_push(), DEVICE) for _ in range(8)))

    async def later(channel):
        clock.now_s += 3_600 - 300
        return await channel.send(a_push(), DEVICE)

    answers, last = attempted(lambda url: channel(url, clock), provider, at_once, later)
    assert {answer.status for answer in [*answers, last]} == {Status.ACCEPTED}
    assert (len(provider.seen("token")), len(provider.seen("v1"))) == (2, 9)


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (404, "UNREGISTERED", Status.GONE),
        (400, "INVALID_ARGUMENT", Status.REFUSED),
        (403, "SENDER_ID_MISMATCH", Status.UNABLE),
        (401, "THIRD_PARTY_AUTH_ERROR", Status.UNABLE),
        (429, "QUOTA_EXCEEDED", Status.BUSY),
        (503, "UNAVAILABLE", Status.BUSY),
        (500, "INTERNAL", Status.BUSY),
        (403, "SOMETHING_NEW", Status.UNABLE),
        (502, "SOMETHING_NEW", Status.AMBIGUOUS),
    ],
)
def test_each_documented_error_code_has_its_meaning(status, code, means):
    answer, provider = one(refusal(status, code))
    assert (answer.status, answer.code) == (means, f"{status} {code}")
    assert (len(provider.seen("v1")), len(provider.seen("token"))) == (1, 1)


def test_a_wait_is_taken_from_fcm_or_is_a_minute_where_a_quota_is_used_up():
    assert one(refusal(429, "QUOTA_EXCEEDED", **{"retry-after": "7"}))[0].retry_after_s == 7
    assert one(refusal(429, "QUOTA_EXCEEDED"))[0].retry_after_s == 60
    assert one(refusal(503, "UNAVAILABLE"))[0].retry_after_s is None


def test_a_refused_token_is_renewed_once_and_then_we_are_unable():
    unauthenticated = said(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})
    other = said(200, {"access_token": "other", "expires_in": 3600})
    answer, provider = one(unauthenticated, TAKEN, tokens=(TOKEN, other))
    assert answer.status is Status.ACCEPTED
    assert [seen["headers"]["authorization"] for seen in provider.seen("v1")] == ["Bearer ya29.secret", "Bearer other"]
    answer, provider = one(unauthenticated, tokens=(TOKEN, other))
    assert (answer.status, answer.code) == (Status.UNABLE, "401 UNAUTHENTICATED")
    assert (len(provider.seen("v1")), len(provider.seen("token"))) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (said(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}), Status.UNABLE),
        (said(401, {"error": "invalid_client"}), Status.UNABLE),
        (said(200, {"token_type": "Bearer"}), Status.UNABLE),
        (said(429, {}), Status.BUSY),
        (said(502), Status.BUSY),
    ],
)
def test_without_a_token_nothing_is_sent(answer, means):
    got, provider = one(TAKEN, tokens=(answer,))
    assert (got.status, got.raw, provider.seen("v1")) == (means, "", [])
    assert got.code.startswith("token ")


def test_a_token_endpoint_that_never_answers_is_busy_for_no_push_was_sent():
    async def run():
        async with speaking(frames(lambda *_: False)) as port:
            made = channel(f"https://localhost:{port}", limits=IMPATIENT)
            return await attempts_at(made, [(a_push(), DEVICE)])

    (answer,) = asyncio.run(run())
    assert (answer.status, answer.code.split()[0]) == (Status.BUSY, "token")


def test_a_card_shows_its_picture_and_what_only_the_app_shows_goes_as_data_alone():
    card = Content(title="Shoe", form="card", image_url="https://shop.example/s.jpg")
    assert sent(a_push(content=card))["notification"]["image"] == "https://shop.example/s.jpg"
    shown = Content(title="Three", form="list", entries=({"title": "Hat"}, {"title": "Shoe", "body": "-20 %"}))
    message = sent(a_push(content=shown), app_forms=("list",))
    assert "notification" not in message
    assert "notification" not in message["android"]
    assert json.loads(message["data"]["entries"]) == [{"title": "Hat"}, {"title": "Shoe", "body": "-20 %"}]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (Content(title="x", form="list", entries=({"title": "y"},)), "form"),
        (Content(title="x", form="video", video_url="https://shop.example/v.mp4"), "form"),
        (Content(title="x", form="card"), "content"),
        (Content(title="x", data={"from": "me"}), "content"),
        (Content(title="x", data={"google.x": "me"}), "content"),
        (Content(title="x", body="語" * 1_400), "size"),
    ],
)
def test_what_fcm_cannot_do_is_refused_before_anything_is_sent(content, code):
    answer, provider = one(TAKEN, push=a_push(content=content))
    assert (answer.status, answer.code) == (Status.UNABLE, code)
    assert provider.seen("token") == provider.seen("v1") == []


def test_a_push_whose_time_is_over_is_not_sent():
    answer, provider = one(TAKEN, push=a_push(expires_s=int(NOW_S)))
    assert (answer.status, answer.code, provider.seen("v1")) == (Status.REFUSED, "expired", [])


def reacting(react, limits=None):
    """Attempt at a peer that takes tokens from an honest server, and pushes from one that reacts so."""

    async def run():
        async with served(Provider(token=[TOKEN])) as honest, speaking(frames(react)) as port:
            url = f"https://localhost:{port}"
            made = Fcm(account(f"https://localhost:{honest}"), http(limits), endpoint=url, now_s=Clock())
            return await attempts_at(made, [(a_push(), DEVICE)])

    (answer,) = asyncio.run(run())
    return answer


@pytest.mark.parametrize(
    ("event", "code", "means"),
    [
        (RequestReceived, ErrorCodes.REFUSED_STREAM, Status.BUSY),
        (StreamEnded, ErrorCodes.REFUSED_STREAM, Status.BUSY),
        (DataReceived, ErrorCodes.INTERNAL_ERROR, Status.AMBIGUOUS),
        (StreamEnded, ErrorCodes.INTERNAL_ERROR, Status.AMBIGUOUS),
    ],
)
def test_a_reset_stream_is_busy_where_fcm_says_that_it_did_not_look_and_ambiguous_elsewhere(event, code, means):
    def react(seen, line, _):
        if isinstance(seen, event):
            line.reset_stream(seen.stream_id, code)

    assert reacting(react).status is means


def test_a_peer_that_reads_and_never_answers_is_ambiguous():
    assert reacting(lambda *_: False, IMPATIENT).status is Status.AMBIGUOUS


def test_settings_open_the_channel_and_a_file_that_is_no_service_account_is_a_fault_without_its_text(tmp_path):
    file = tmp_path / "account.json"
    held = {"project_id": "shop", "client_email": "push@shop.iam.example", "private_key": pem(google_key())}
    file.write_text(json.dumps(held | {"private_key_id": "k", "token_uri": "https://oauth2.googleapis.com/token"}))
    more = {"project_id": "other", "android_channel": "offers", "app_forms": ["list"]}
    opened = fcm(FcmOptions(provider="fcm", service_account_file=file, **more), None)
    assert opened._url == "https://fcm.googleapis.com/v1/projects/other/messages:send"
    assert (opened._android_channel, opened.forms) == ("offers", ("text", "card", "list"))
    assert "PRIVATE" not in repr(read_account(file))
    for text in ("hunter2", json.dumps(held | {"private_key": "hunter2"}), "[]", json.dumps(held)):
        file.write_text(text)
        with pytest.raises(SettingsFault) as fault:
            read_account(file)
        assert "hunter2" not in str(fault.value)
