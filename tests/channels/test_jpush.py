"""JPush against a real HTTP/2 server: what arrives, what each of its answers means, and its receipts."""

import asyncio
import base64
import json

import pytest
from channel_peers import a_push, an_address, frames, served, speaking
from h2.errors import ErrorCodes
from h2.events import StreamEnded
from provider_desk import IMPATIENT, NOW_S, Clock, Provider, attempted, attempts_at, http, said

from andante.channels.contract import Content, Status
from andante.channels.jpush import CODES, Jpush, jpush
from andante.channels.jpush_cids import Cids
from andante.settings.sections.channels import JpushOptions
from andante.vocabulary.fault import InputFault

BASIC = "Basic " + base64.b64encode(b"appkey:master").decode()
DEVICE = an_address("jpush", {"token": "18071adc030dcba91c0"})
TAKEN = said(200, {"sendno": "0", "msg_id": "1828256757"})


def cids(*names):
    return said(200, {"cidlist": [f"appkey-{name}" for name in names]})


def channel(url, clock=None, limits=None, cids_at=None, **options):
    clock = clock or Clock()
    line = http(limits, clock)
    pool = Cids(line, cids_at or url, BASIC, now_s=clock)
    return Jpush("appkey", "master", line, endpoint=url, cids=pool, now_s=clock, **options)


def provider(*answers, pool=None):
    return Provider(v3__push__cid=pool or [cids("u1", "u2")], v3__push=answers)


def one(*answers, push=None, pool=None, **options):
    peer = provider(*answers, pool=pool)
    (answer,) = attempted(lambda url: channel(url, **options), peer, (push or a_push(), DEVICE))
    return answer, peer


def sent(push, **options):
    _, peer = one(TAKEN, push=push, **options)
    (seen,) = peer.seen("v3/push")
    return json.loads(seen["body"])


def test_marketing_arrives_as_jpush_documents_it():
    makers = {"xiaomi": {"channel_id": "promo"}, "huawei": {"importance": "LOW", "category": "MARKETING"}}
    answer, peer = one(TAKEN, push=a_push(expires_s=int(NOW_S) + 90), third_party_channel=makers)
    (seen,), (asked,) = peer.seen("v3/push"), peer.seen("v3/push/cid")
    assert (answer.status, answer.provider_id) == (Status.ACCEPTED, "1828256757")
    assert seen["headers"]["authorization"] == asked["headers"]["authorization"] == BASIC
    assert json.loads(seen["body"]) == {
        "cid": "appkey-u2",
        "platform": ["android"],
        "audience": {"registration_id": ["18071adc030dcba91c0"]},
        "notification": {
            "android": {
                "title": "Sale",
                "alert": "Only today",
                "extras": {"decision_id": "d-1", "url": "https://shop.example/sale"},
            }
        },
        "options": {"classification": 0, "time_to_live": 90, "third_party_channel": makers},
    }


def test_a_transactional_push_is_classified_as_a_systems():
    assert sent(a_push(transactional=True))["options"]["classification"] == 1


def test_ios_gets_apples_shape_and_is_never_time_sensitive():
    body = sent(a_push(campaign_id="spring"), platform="ios", apns_production=False, marketing_level="passive")
    ios = body["notification"]["ios"]
    assert (body["platform"], ios["interruption-level"]) == (["ios"], "passive")
    assert ios["alert"] == {"title": "Sale", "body": "Only today"}
    assert body["options"]["apns_production"] is False
    assert body["options"]["apns_collapse_id"] == "campaign-spring"


def test_a_list_is_an_inbox_and_a_card_a_big_picture():
    entries = ({"title": "Hat"}, {"title": "Shoe", "body": "-20 %"})
    android = sent(a_push(content=Content(title="Two", form="list", entries=entries)))["notification"]["android"]
    assert (android["style"], android["inbox"], android["alert"]) == (2, {"1": "Hat", "2": "Shoe: -20 %"}, "Two")
    card = Content(title="Shoe", form="card", image_url="https://shop.example/s.jpg")
    android = sent(a_push(content=card))["notification"]["android"]
    assert (android["style"], android["big_pic_path"]) == (3, "https://shop.example/s.jpg")


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (Content(title="x", form="video", video_url="https://shop.example/v.mp4"), {}, "form"),
        (Content(title="x", form="list", entries=({"title": "y"},)), {"platform": "ios"}, "form"),
        (Content(title="x", body="語" * 1_400), {}, "size"),
        (Content(title="x", body="語" * 700), {"platform": "ios"}, "size"),
    ],
)
def test_what_jpush_cannot_do_is_refused_before_anything_is_sent(content, options, code):
    answer, peer = one(TAKEN, push=a_push(content=content), **options)
    assert (answer.status, answer.code) == (Status.UNABLE, code)
    assert peer.seen("v3/push") == peer.seen("v3/push/cid") == []


def test_every_attempt_at_a_push_has_the_same_cid_and_every_push_its_own():
    clock, other = Clock(), an_address("jpush", {"token": "18071adc030dcba91c1"})
    other = type(other)(**{name: getattr(other, name) for name in other.__struct_fields__} | {"address_id": "a-2"})
    peer = provider(
        said(503, {"error": {"code": 1030, "message": "timeout"}}), TAKEN, pool=[cids("1", "2"), cids("3", "4")]
    )

    async def tomorrow(channel):
        clock.now_s += 86_400
        return await channel.send(a_push(), DEVICE)

    attempts = [
        (a_push(), DEVICE),
        (a_push(), DEVICE),
        (a_push(), other),
        (a_push(decision_id="d-2"), DEVICE),
        tomorrow,
    ]
    attempted(lambda url: channel(url, clock), peer, *attempts)
    used = [json.loads(seen["body"])["cid"].removeprefix("appkey-") for seen in peer.seen("v3/push")]
    assert used[:4] == ["2", "2", "1", "4"]
    assert len(peer.seen("v3/push/cid")) == 3  # the next day the spare one is not used any more


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (said(401, {"error": {"code": 1004, "message": "auth"}}), Status.UNABLE),
        (said(429, {"error": {"code": 2002}}), Status.BUSY),
        (said(200, {"cidlist": []}), Status.BUSY),
        ((200, {}, b"no json"), Status.BUSY),
        (said(502), Status.BUSY),
    ],
)
def test_without_a_cid_nothing_is_sent(answer, means):
    got, peer = one(TAKEN, pool=[answer])
    assert (got.status, got.code.split()[0], peer.seen("v3/push")) == (means, "cid", [])


MEANINGS = [
    (500, 1000, Status.BUSY),
    (405, 1001, Status.REFUSED),
    (400, 1002, Status.REFUSED),
    (400, 1003, Status.REFUSED),
    (401, 1004, Status.UNABLE),
    (400, 1005, Status.UNABLE),
    (400, 1008, Status.UNABLE),
    (400, 1009, Status.UNABLE),
    (400, 1011, Status.GONE),
    (404, 1020, Status.UNABLE),
    (503, 1030, Status.AMBIGUOUS),
    (429, 2002, Status.BUSY),
    (403, 2003, Status.UNABLE),
    (403, 2004, Status.UNABLE),
    (403, 2005, Status.REFUSED),
    (400, 9999, Status.REFUSED),
    (502, None, Status.AMBIGUOUS),
]


def test_each_documented_code_has_its_meaning():
    peer = provider(
        *[said(status, {"error": {"code": code, "message": "no"}} if code else {}) for status, code, _ in MEANINGS]
    )
    answers = attempted(channel, peer, *[(a_push(), DEVICE)] * len(MEANINGS))
    assert [(answer.code, answer.status) for answer in answers] == [
        (f"{status} {code or ''}".strip(), means) for status, code, means in MEANINGS
    ]
    assert CODES.keys() <= {code for _, code, _ in MEANINGS}


def test_a_wait_is_taken_from_jpushs_own_header():
    limited = said(429, {"error": {"code": 2002}}, **{"x-rate-limit-reset": "38"})
    assert one(limited)[0].retry_after_s == 38


def test_a_peer_that_breaks_off_is_ambiguous_and_one_that_did_not_look_is_busy():
    def tried(react, limits=None):
        async def run():
            async with served(provider(TAKEN)) as honest, speaking(frames(react)) as port:
                made = channel(f"https://localhost:{port}", limits=limits, cids_at=f"https://localhost:{honest}")
                return await attempts_at(made, [(a_push(), DEVICE)])

        return asyncio.run(run())[0].status

    def reset(code):
        return lambda seen, line, _: isinstance(seen, StreamEnded) and line.reset_stream(seen.stream_id, code)

    assert tried(reset(ErrorCodes.REFUSED_STREAM)) is Status.BUSY
    assert tried(reset(ErrorCodes.INTERNAL_ERROR)) is Status.AMBIGUOUS
    assert tried(lambda *_: False, IMPATIENT) is Status.AMBIGUOUS


def test_where_cids_are_got_from_nothing_was_sent_whatever_the_line_does():
    async def run(url):
        return await attempts_at(channel("https://localhost:1", cids_at=url), [(a_push(), DEVICE)])

    async def reset():
        cut = frames(lambda seen, line, _: isinstance(seen, StreamEnded) and line.reset_stream(seen.stream_id, 2))
        async with speaking(cut) as port:
            return await run(f"https://localhost:{port}")

    (broken,), (nowhere,) = asyncio.run(reset()), asyncio.run(run("ftp://localhost"))
    assert (broken.status, broken.code) == (Status.BUSY, "cid RST_STREAM INTERNAL_ERROR")
    assert nowhere.status is Status.UNABLE


def test_receipts_that_come_with_our_credentials_become_outcomes():
    async def run():
        made = channel("https://localhost")
        reports = [
            {"type": 1, "msg_id": 18, "rid": "18071adc030dcba91c0", "itime": 1_750_000_001_000},
            {"type": 2, "msgid": "19"},
            {"type": 8, "msg_id": 20},
        ]
        return made.receipts({"Authorization": BASIC}, json.dumps(reports).encode())

    delivered, clicked = asyncio.run(run())
    assert (delivered.outcome, delivered.provider_id, delivered.at_us) == ("delivered", "18", 1_750_000_001_000_000)
    assert (clicked.outcome, clicked.provider_id) == ("clicked", "19")
    assert "18071adc030dcba91c0" not in delivered.raw


@pytest.mark.parametrize(
    ("headers", "body", "problem"),
    [
        ({}, b"[]", "do not come with our"),
        ({"authorization": "Basic YXBwa2V5Om90aGVy"}, b"[]", "do not come with our"),
        ({"authorization": BASIC}, b"", "cannot be read"),
        ({"authorization": BASIC}, b"[1]", "cannot be read"),
        ({"authorization": BASIC}, b'[{"type":1}]', "cannot be read"),
        ({"authorization": BASIC}, b'[{"type":"x","msg_id":1}]', "cannot be read"),
    ],
)
def test_a_call_without_our_credentials_or_that_is_no_report_is_refused(headers, body, problem):
    async def run():
        with pytest.raises(InputFault, match=problem):
            channel("https://localhost").receipts(headers, body)

    asyncio.run(run())


def test_settings_open_the_channel(tmp_path):
    file = tmp_path / "secret"
    file.write_text("master\n")
    makers = {"xiaomi": {"channel_id": "promo"}}
    options = JpushOptions(
        provider="jpush",
        app_key="appkey",
        master_secret_file=file,
        apns_production=False,
        platform="ios",
        marketing_level="passive",
        third_party_channel=makers,
        receipt_types={"8": "opened"},
        app_forms=["video"],
    )
    opened = jpush(options, None)
    assert opened._authorization == BASIC
    assert opened.forms == ("text", "video")
    body = json.loads(opened._body(a_push(), "18071adc030dcba91c0", {}, "cid"))
    assert (body["platform"], body["options"]["apns_production"]) == (["ios"], False)
    assert body["options"]["third_party_channel"] == makers
    assert opened._marketing_level == "passive"
    (opened_by_ann,) = opened.receipts({"authorization": BASIC}, b'{"type": 8, "msg_id": 1}')
    assert opened_by_ann.outcome == "opened"


def test_without_a_word_on_receipts_the_usual_types_hold(tmp_path):
    file = tmp_path / "secret"
    file.write_text("master")
    opened = jpush(JpushOptions(provider="jpush", app_key="appkey", master_secret_file=file), None)
    assert opened.forms == ("text", "card", "list")
    assert [one.outcome for one in opened.receipts({"authorization": BASIC}, b'[{"type": 2, "msg_id": 1}]')] == [
        "clicked"
    ]
