"""Web Push: encrypted for one browser, signed by one sender, and every answer of a push service understood."""

import asyncio
import base64
import json
import struct

import jwt
import pytest
from channel_peers import HOST, Script, a_push, an_address, frames, guard_for, names, served, speaking, trust
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from py_vapid import Vapid02

from andante.channels.contract import Content, Status
from andante.channels.http import Http, Limits
from andante.channels.vapid import new_key, read_key
from andante.channels.web_push import PAYLOAD_MAX, WebPush, encrypted, read_subscription
from andante.vocabulary.fault import InputFault

NOW_S = 1_750_000_100
KEY = read_key(new_key(), "mailto:push@shop.example")


def text(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def octets(text_):
    return base64.urlsafe_b64decode(text_ + "=" * (-len(text_) % 4))


class Browser:
    """Decrypts by RFC 8188 and RFC 8291 alone, from primitives: what it reads, a browser can read."""

    def __init__(self, private=None, auth=bytes(range(16))):
        self.private, self.auth = private or ec.generate_private_key(ec.SECP256R1()), auth
        point = serialization.PublicFormat.UncompressedPoint
        self.public = self.private.public_key().public_bytes(serialization.Encoding.X962, point)

    def subscription(self, endpoint):
        return {
            "endpoint": endpoint,
            "expirationTime": None,
            "keys": {"p256dh": text(self.public), "auth": text(self.auth)},
        }

    def read(self, body):
        salt, size, length = body[:16], struct.unpack("!L", body[16:20])[0], body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= size, "one record"
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = _hkdf(self.auth, shared, b"WebPush: info\0" + self.public + sender, 32)
        key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\0", 12)
        opened = AESGCM(key).decrypt(nonce, sealed, None)
        plain, mark, padding = opened.rpartition(b"\x02")
        assert mark
        assert not padding.strip(b"\0")
        return plain


def _hkdf(salt, secret, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def channel(port, *, now_s=NOW_S, limits=None, resolver=None):
    guard = guard_for(port, resolver)
    http = Http(guard=guard, trust=trust(), limits=limits)
    return WebPush(http, KEY, guard, ttl_s=3600, ttl_transactional_s=7200, now_s=lambda: now_s)


def sent(push, *answers, browser=None, **how):
    """Send one push to a peer that gives these answers; return our answer and what the peer saw."""

    async def tried():
        application = Script(*(answers or [(201, {"location": "/m/1"}, b"")]))
        async with served(application) as port:
            web_push = channel(port, **how)
            who = (browser or Browser()).subscription(f"https://{HOST}:{port}/send/xyz")
            answer = await web_push.send(push, an_address("web_push", who))
            await web_push.close()
        return answer, application.seen

    return asyncio.run(tried())


def test_the_browser_of_these_tests_reads_the_example_of_rfc_8291():
    private = ec.derive_private_key(
        int.from_bytes(octets("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")), ec.SECP256R1()
    )
    body = octets(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    browser = Browser(private, octets("BTBZMqHH6r4Tts7J_aSIgg"))
    assert browser.read(body) == b"When I grow up, I want to be a watermelon"


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=1, max_size=PAYLOAD_MAX))
def test_what_was_sealed_for_a_browser_is_what_it_reads(payload):
    browser = Browser()
    sealed = encrypted(payload, read_subscription(browser.subscription("https://push.example/")))
    assert browser.read(sealed) == payload
    assert len(sealed) <= 4096


def test_a_push_arrives_as_its_content_its_decision_and_where_to_report():
    browser = Browser()
    push = a_push(outcome_url="https://shop.example/o?token=x", expires_s=NOW_S + 600, campaign_id="spring")
    push = replace(push, content=replace(push.content, html="<p>for e-mail</p>"))
    answer, (seen,) = sent(push, browser=browser)
    assert (answer.status, answer.code, answer.provider_id) == (Status.ACCEPTED, "201", "/m/1")
    assert json.loads(browser.read(seen["body"])) == {
        "decision_id": "d-1",
        "content": {"title": "Sale", "body": "Only today", "url": "https://shop.example/sale"},
        "outcome_url": "https://shop.example/o?token=x",
    }
    headers = seen["headers"]
    assert seen["version"] == "2"
    assert seen["path"] == "/send/xyz"
    assert (headers["content-encoding"], headers["content-type"]) == ("aes128gcm", "application/octet-stream")
    assert (headers["ttl"], headers["urgency"]) == ("600", "normal")


def test_the_push_service_learns_who_sends_and_nothing_of_the_push():
    _, (seen,) = sent(a_push())
    header = seen["headers"]["authorization"]
    assert Vapid02.verify(header.replace(", ", ","))
    scheme, token, key = header.split(" ")
    assert scheme == "vapid"
    assert key == f"k={KEY.public}"
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets(KEY.public))
    origin = f"https://{seen['headers'].get('host') or seen['headers'][':authority']}"
    claims = jwt.decode(token[2:-1], public, algorithms=["ES256"], audience=origin, options={"verify_exp": False})
    assert claims["sub"] == "mailto:push@shop.example"
    assert 0 < claims["exp"] - NOW_S <= 86_400
    assert b"Sale" not in seen["body"]
    assert "spring" not in str(seen["headers"])


def topic(**changed):
    _, (seen,) = sent(a_push(**changed))
    return seen["headers"]["topic"]


def test_a_campaign_replaces_its_own_waiting_push_and_an_order_update_none():
    spring = topic(campaign_id="spring 特价", decision_id="d-1")
    assert spring == topic(campaign_id="spring 特价", decision_id="d-2")
    assert spring != topic(campaign_id="autumn", decision_id="d-1")
    assert len(spring) <= 32
    assert set(spring) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    orders = [topic(campaign_id="orders", decision_id=f"d-{n}", transactional=True) for n in (1, 2, 1)]
    assert orders[0] != orders[1]
    assert orders[0] == orders[2], "an attempt that is made again replaces itself"


@pytest.mark.parametrize(
    ("changed", "ttl", "urgency"),
    [
        ({}, 3600, "normal"),
        ({"transactional": True}, 7200, "high"),
        ({"expires_s": NOW_S + 1}, 1, "normal"),
        ({"expires_s": NOW_S + 10**9}, 28 * 86_400, "normal"),
    ],
)
def test_a_push_waits_for_a_browser_no_longer_than_it_is_good_for(changed, ttl, urgency):
    _, (seen,) = sent(a_push(**changed))
    assert (seen["headers"]["ttl"], seen["headers"]["urgency"]) == (str(ttl), urgency)


@pytest.mark.parametrize(
    ("answer", "status", "wait_s"),
    [
        ((201, {}, b""), Status.ACCEPTED, None),
        ((202, {}, b""), Status.ACCEPTED, None),
        ((301, {"location": "https://elsewhere.example/"}, b""), Status.UNABLE, None),
        ((400, {}, b"bad"), Status.REFUSED, None),
        ((401, {}, b"bad token"), Status.UNABLE, None),
        ((403, {}, b"another key"), Status.UNABLE, None),
        ((404, {}, b""), Status.GONE, None),
        ((406, {"retry-after": "60"}, b""), Status.BUSY, 60.0),
        ((410, {}, b"unsubscribed"), Status.GONE, None),
        ((413, {}, b""), Status.REFUSED, None),
        ((429, {"retry-after": "30"}, b""), Status.BUSY, 30.0),
        ((500, {}, b""), Status.BUSY, None),
        ((502, {}, b""), Status.AMBIGUOUS, None),
        ((503, {"retry-after": "5"}, b""), Status.BUSY, 5.0),
        ((504, {}, b""), Status.AMBIGUOUS, None),
    ],
)
def test_every_answer_of_a_push_service_has_one_meaning(answer, status, wait_s):
    found, seen = sent(a_push(), answer)
    assert (found.status, found.code, found.retry_after_s) == (status, str(answer[0]), wait_s)
    assert found.raw == answer[2].decode()
    assert len(seen) == 1, "one attempt"


def test_a_push_service_that_takes_the_push_and_drops_the_line_leaves_it_ambiguous():
    async def tried():
        async with speaking(frames(lambda event, *_: type(event).__name__ == "StreamEnded")) as port:
            web_push = channel(port, limits=Limits(total_s=5))
            who = Browser().subscription(f"https://{HOST}:{port}/")
            answer = await web_push.send(a_push(), an_address("web_push", who))
            await web_push.close()
        return answer

    assert asyncio.run(tried()).status is Status.AMBIGUOUS


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"content": Content(title="Ten", form="list", entries=({"title": "one"},))}, Status.UNABLE, "form"),
        ({"content": Content(title="Film", form="video")}, Status.UNABLE, "form"),
        ({"content": Content(title="x" * PAYLOAD_MAX)}, Status.UNABLE, "size"),
        ({"expires_s": NOW_S}, Status.REFUSED, "expired"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_no_line_is_opened(changed, status, code):
    answer, seen = sent(a_push(**changed))
    assert (answer.status, answer.code, seen) == (status, code, [])


@pytest.mark.parametrize(("spare", "status"), [(0, Status.ACCEPTED), (-1, Status.UNABLE)])
def test_the_largest_push_that_goes_out_has_3993_bytes(spare, status):
    plain = len(json.dumps({"decision_id": "d-1", "content": {"title": ""}}, separators=(",", ":")))
    push = a_push(content=Content(title="x" * (PAYLOAD_MAX - plain - spare)))
    answer, seen = sent(push)
    assert answer.status is status
    assert [len(one["body"]) for one in seen] == [4096] * len(seen)


GOOD = Browser().subscription("https://push.example/send/1")


def broken(**keys):
    return GOOD | {"keys": GOOD["keys"] | keys}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"endpoint": "https://push.example/"},
        {"endpoint": 7, "keys": GOOD["keys"]},
        GOOD | {"keys": []},
        broken(p256dh=None),
        broken(p256dh=""),
        broken(p256dh="a"),
        broken(p256dh="ü"),
        broken(p256dh=text(b"\x04" + bytes(64))),  # on no curve
        broken(p256dh=text(b"\x02" + octets(GOOD["keys"]["p256dh"])[1:33])),  # compressed
        broken(auth=None),
        broken(auth=text(bytes(15))),
        broken(auth=text(bytes(17))),
    ],
)
def test_a_subscription_without_usable_keys_is_refused_when_it_is_given_and_gone_when_it_is_used(value):
    web_push = channel(443)
    with pytest.raises(InputFault, match="PushSubscription"):
        web_push.checked(value)
    answer = asyncio.run(web_push.send(a_push(), an_address("web_push", value)))
    assert (answer.status, answer.code) == (Status.GONE, "subscription")


@pytest.mark.parametrize(
    "endpoint", ["https://169.254.169.254/", "https://127.1/", "ftp://push.example/", "https://a@push.example/", ""]
)
def test_a_subscription_that_leads_inside_is_refused_loudly(endpoint):
    web_push, value = channel(443), GOOD | {"endpoint": endpoint}
    with pytest.raises(InputFault, match="refused"):
        web_push.checked(value)
    answer = asyncio.run(web_push.send(a_push(), an_address("web_push", value)))
    assert (answer.status, answer.code) == (Status.UNABLE, "blocked")


def test_a_subscription_whose_name_leads_inside_later_is_not_followed():
    async def tried():
        web_push = channel(443, resolver=names({"push.example": ["169.254.169.254"]}))
        answer = await web_push.send(a_push(), an_address("web_push", GOOD))
        await web_push.close()
        return answer

    answer = asyncio.run(tried())
    assert (answer.status, answer.code) == (Status.UNABLE, "blocked")


def test_a_subscription_is_kept_as_little_as_it_needs():
    padded = GOOD | {
        "keys": {name: f"{key}=".replace("-", "+").replace("_", "/") for name, key in GOOD["keys"].items()}
    }
    kept = channel(443).checked(padded | {"tracking": "x"})
    assert kept == {"endpoint": GOOD["endpoint"], "keys": GOOD["keys"]}
