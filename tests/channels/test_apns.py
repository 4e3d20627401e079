"""APNs against a real HTTP/2 server: what arrives, and what each of its answers means."""

import asyncio
import json
from uuid import UUID

import jwt
import pytest
from channel_peers import a_push, an_address, frames, speaking
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded
from hypothesis import given
from hypothesis import strategies as st
from provider_desk import (
    IMPATIENT,
    NOW_S,
    Clock,
    Provider,
    apple_key,
    attempted,
    attempts_at,
    google_key,
    http,
    pem,
    said,
)

from andante.channels.apns import PAYLOAD_BYTES_MAX, PRODUCTION, REASONS, SANDBOX, Apns, apns
from andante.channels.contract import Content, Status
from andante.channels.presentation import apns_part, collapse_id
from andante.settings.sections.channels import ApnsOptions
from andante.vocabulary.fault import SettingsFault

DEVICE = an_address("apns", {"token": "ab" * 32})
TAKEN = said(200, **{"apns-id": "0c5b2d9e-0000-4000-8000-000000000001"})


def channel(url, clock=None, limits=None, **options):
    named = {"key_id": "KEYKEYKEY1", "team_id": "TEAMTEAM01", "topic": "com.shop.app", "endpoint": url}
    clock = clock or Clock()
    return Apns(pem(apple_key()), http(limits, clock), now_s=clock, **(named | options))


def one(*answers, push=None, address=DEVICE, **options):
    provider = Provider(**{"3": answers})
    (answer,) = attempted(lambda url: channel(url, **options), provider, (push or a_push(), address))
    return answer, provider.seen("3")


def reason(status, name, **more):
    return said(status, {"reason": name, **more})


def test_a_push_arrives_as_apple_documents_it():
    push = a_push(campaign_id="spring", expires_s=int(NOW_S) + 600)
    answer, (seen,) = one(TAKEN, push=push)
    headers = seen["headers"]
    assert (answer.status, answer.provider_id) == (Status.ACCEPTED, "0c5b2d9e-0000-4000-8000-000000000001")
    assert (seen["version"], seen["path"]) == ("2", f"/3/device/{'ab' * 32}")
    assert {name: value for name, value in headers.items() if name.startswith("apns") and name != "apns-id"} == {
        "apns-topic": "com.shop.app",
        "apns-push-type": "alert",
        "apns-priority": "5",
        "apns-collapse-id": "campaign-spring",
        "apns-expiration": str(int(NOW_S) + 600),
    }
    assert UUID(headers["apns-id"]).version == 5
    assert json.loads(seen["body"]) == {
        "aps": {"alert": {"title": "Sale", "body": "Only today"}, "interruption-level": "active", "sound": "default"},
        "decision_id": "d-1",
        "url": "https://shop.example/sale",
    }


def test_the_provider_token_is_signed_by_the_key_of_the_team():
    _, (seen,) = one(TAKEN)
    kind, _, token = seen["headers"]["authorization"].partition(" ")
    claims = jwt.decode(token, apple_key().public_key(), algorithms=["ES256"], options={"verify_iat": False})
    assert (kind, claims) == ("bearer", {"iss": "TEAMTEAM01", "iat": int(NOW_S)})
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "KEYKEYKEY1", "typ": "JWT"}


def test_one_provider_token_serves_for_45_minutes():
    clock, provider = Clock(), Provider(**{"3": [TAKEN]})

    def after(seconds):
        async def attempt(channel):
            clock.now_s = NOW_S + seconds
            return await channel.send(a_push(), DEVICE)

        return attempt

    attempted(lambda url: channel(url, clock), provider, after(0), after(2_699), after(2_700), after(2_700 + 60))
    first, second, third, fourth = (seen["headers"]["authorization"] for seen in provider.seen("3"))
    assert first == second != third == fourth


def test_a_provider_token_is_renewed_once_where_apple_finds_it_too_old_and_not_before_20_minutes():
    clock, provider = Clock(), Provider(**{"3": [TAKEN, reason(403, "ExpiredProviderToken"), TAKEN]})

    async def later(channel):
        clock.now_s += 1_200
        return await channel.send(a_push(), DEVICE)

    answers = attempted(lambda url: channel(url, clock), provider, (a_push(), DEVICE), later)
    assert [answer.status for answer in answers] == [Status.ACCEPTED, Status.ACCEPTED]
    assert len({seen["headers"]["authorization"] for seen in provider.seen("3")}) == 2
    answer, seen = one(reason(403, "ExpiredProviderToken"))
    assert (answer.status, answer.code, len(seen)) == (Status.UNABLE, "403 ExpiredProviderToken", 1)


@given(st.booleans(), st.sampled_from(["passive", "active"]), st.sampled_from(["passive", "active", "time-sensitive"]))
def test_marketing_is_never_time_sensitive(transactional, marketing, other):
    levels = channel("https://x", marketing_level=marketing, transactional_level=other)._levels
    push = a_push(transactional=transactional)
    level = apns_part(push, levels[push.transactional])["aps"]["interruption-level"]
    assert level == (other if transactional else marketing)
    assert transactional or level in {"passive", "active"}


def test_marketing_cannot_be_set_to_time_sensitive():
    for level in ("time-sensitive", "critical"):
        with pytest.raises(SettingsFault, match="is not for marketing"):
            channel("https://x", marketing_level=level)


def test_a_quiet_push_makes_no_sound_and_a_transactional_one_goes_at_once():
    _, (quiet,) = one(TAKEN, marketing_level="passive")
    assert json.loads(quiet["body"])["aps"] == {
        "alert": {"title": "Sale", "body": "Only today"},
        "interruption-level": "passive",
    }
    _, (urgent,) = one(TAKEN, push=a_push(transactional=True), transactional_level="time-sensitive")
    assert urgent["headers"]["apns-priority"] == "10"
    assert json.loads(urgent["body"])["aps"]["interruption-level"] == "time-sensitive"


MEANINGS = [
    (400, "BadCollapseId", Status.REFUSED),
    (400, "BadDeviceToken", Status.REFUSED),
    (400, "BadExpirationDate", Status.REFUSED),
    (400, "BadMessageId", Status.REFUSED),
    (400, "BadPriority", Status.REFUSED),
    (400, "BadTopic", Status.UNABLE),
    (400, "DeviceTokenNotForTopic", Status.UNABLE),
    (400, "DuplicateHeaders", Status.REFUSED),
    (400, "IdleTimeout", Status.BUSY),
    (400, "InvalidPushType", Status.UNABLE),
    (400, "MissingDeviceToken", Status.REFUSED),
    (400, "MissingTopic", Status.UNABLE),
    (400, "PayloadEmpty", Status.REFUSED),
    (400, "TopicDisallowed", Status.UNABLE),
    (403, "BadCertificateEnvironment", Status.UNABLE),
    (403, "Forbidden", Status.UNABLE),
    (403, "InvalidProviderToken", Status.UNABLE),
    (403, "MissingProviderToken", Status.UNABLE),
    (404, "BadPath", Status.UNABLE),
    (405, "MethodNotAllowed", Status.UNABLE),
    (410, "ExpiredToken", Status.GONE),
    (410, "Unregistered", Status.GONE),
    (413, "PayloadTooLarge", Status.UNABLE),
    (429, "TooManyProviderTokenUpdates", Status.BUSY),
    (429, "TooManyRequests", Status.BUSY),
    (500, "InternalServerError", Status.BUSY),
    (503, "ServiceUnavailable", Status.BUSY),
    (503, "Shutdown", Status.BUSY),
]


def test_each_documented_reason_has_its_meaning():
    provider = Provider(**{"3": [reason(status, name) for status, name, _ in MEANINGS]})
    answers = attempted(channel, provider, *[(a_push(), DEVICE)] * len(MEANINGS))
    assert [(answer.status, answer.code) for answer in answers] == [
        (means, f"{status} {name}") for status, name, means in MEANINGS
    ]
    assert REASONS.keys() <= {name for _, name, _ in MEANINGS}


def test_an_address_that_is_gone_says_since_when():
    answer, _ = one(reason(410, "Unregistered", timestamp=1_749_990_000_000))
    assert (answer.status, answer.detail) == (Status.GONE, "gone since 2025-06-15T12:20:00Z")
    assert answer.gone_since_s == 1_749_990_000
    for timestamp in ("soon", -1, 10**30, None):
        untold, _ = one(reason(410, "Unregistered", timestamp=timestamp))
        assert (untold.status, untold.detail, untold.gone_since_s) == (Status.GONE, "", None)


def test_a_wait_that_apple_asks_for_is_kept():
    answer, _ = one((429, {"retry-after": "9"}, b'{"reason":"TooManyRequests"}'))
    assert (answer.status, answer.retry_after_s) == (Status.BUSY, 9)


@pytest.mark.parametrize(("over", "status"), [(0, Status.ACCEPTED), (1, Status.UNABLE)])
def test_a_payload_has_4096_bytes_and_not_one_more(over, status):
    plain = len(
        json.dumps(
            apns_part(a_push(content=Content(title="x", body="語")), "active"),
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
    )
    body = "語" + "a" * (PAYLOAD_BYTES_MAX - plain + over)
    answer, seen = one(TAKEN, push=a_push(content=Content(title="x", body=body)))
    assert (answer.status, answer.code if over else "size", len(seen)) == (status, "size", 1 - over)


@given(st.text(), st.none() | st.text(), st.booleans())
def test_a_collapse_id_has_at_most_64_bytes_that_a_header_can_hold(decision_id, campaign_id, transactional):
    push = a_push(decision_id=decision_id, campaign_id=campaign_id, transactional=transactional)
    name = collapse_id(push)
    assert 0 < len(name.encode()) <= 64
    assert name.isascii()
    assert name.isprintable()
    if transactional and campaign_id is not None:
        assert name == collapse_id(a_push(decision_id=decision_id))


@pytest.mark.parametrize("token", ["", "ab", "zz" * 32, "ab" * 32 + "/../x", None, 7])
def test_an_address_without_a_device_token_is_gone_and_nothing_is_sent(token):
    answer, seen = one(TAKEN, address=an_address("apns", {"token": token}))
    assert (answer.status, seen) == (Status.GONE, [])


def test_a_video_needs_an_app_that_shows_it():
    content = Content(title="x", form="video", video_url="https://shop.example/v.mp4")
    answer, _ = one(TAKEN, push=a_push(content=content))
    assert (answer.status, answer.code) == (Status.UNABLE, "form")
    _, (seen,) = one(TAKEN, push=a_push(content=content), app_forms=("video",))
    payload = json.loads(seen["body"])
    assert (payload["aps"]["mutable-content"], payload["aps"]["category"]) == (1, "andante.video")
    assert payload["video_url"] == "https://shop.example/v.mp4"


def reacting(react, limits=None, attempts=1):
    async def run():
        async with speaking(frames(react)) as port:
            return await attempts_at(
                channel(f"https://localhost:{port}", limits=limits), [(a_push(), DEVICE)] * attempts
            )

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("event", "code", "means"),
    [
        (RequestReceived, ErrorCodes.REFUSED_STREAM, Status.BUSY),
        (StreamEnded, ErrorCodes.REFUSED_STREAM, Status.BUSY),
        (StreamEnded, ErrorCodes.CANCEL, Status.AMBIGUOUS),
    ],
)
def test_a_reset_stream_is_busy_where_apple_says_that_it_did_not_look_and_ambiguous_elsewhere(event, code, means):
    def react(seen, line, _):
        if isinstance(seen, event):
            line.reset_stream(seen.stream_id, code)

    (answer,) = reacting(react)
    assert answer.status is means


def test_a_goodbye_is_busy_for_what_comes_after_its_last_stream_and_ambiguous_for_the_rest():
    def goodbye(last):
        def react(seen, line, _):
            if isinstance(seen, StreamEnded):
                line.close_connection(ErrorCodes.NO_ERROR, b'{"reason":"Shutdown"}', last_stream_id=last)
                return True
            return False

        return react

    (unseen,), (seen,) = reacting(goodbye(0)), reacting(goodbye(1))
    assert (unseen.status, seen.status) == (Status.BUSY, Status.AMBIGUOUS)


def test_the_next_push_goes_out_on_a_new_line_after_a_goodbye():
    def react(seen, line, _):
        if isinstance(seen, StreamEnded):
            line.send_headers(seen.stream_id, [(":status", "200")], end_stream=True)
            line.close_connection()
            return True
        return False

    assert [answer.status for answer in reacting(react, attempts=3)] == [Status.ACCEPTED] * 3


def test_a_peer_that_reads_and_never_answers_is_ambiguous():
    (answer,) = reacting(lambda *_: False, IMPATIENT)
    assert answer.status is Status.AMBIGUOUS


def test_settings_open_the_channel_and_a_key_of_another_kind_is_a_fault_without_its_text(tmp_path):
    file = tmp_path / "AuthKey.p8"
    file.write_text(pem(apple_key()))
    named = {
        "provider": "apns",
        "key_file": file,
        "key_id": "KEYKEYKEY1",
        "team_id": "TEAMTEAM01",
        "topic": "com.shop.app",
    }
    assert [apns(ApnsOptions(**named, sandbox=s), None)._endpoint for s in (False, True)] == [PRODUCTION, SANDBOX]
    levels = {"marketing_level": "passive", "transactional_level": "time-sensitive"}
    opened = apns(ApnsOptions(**named, **levels, app_forms=["video"]), None)
    assert (opened._levels, opened.forms) == ({False: "passive", True: "time-sensitive"}, ("text", "video"))
    for text in ("hunter2", pem(google_key())):
        file.write_text(text)
        with pytest.raises(SettingsFault) as fault:
            apns(ApnsOptions(**named), None)
        assert text[:60] not in str(fault.value)
