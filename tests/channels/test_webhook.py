"""Webhooks: signed as Standard Webhooks asks, sent once, and only to where they may go."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
import standardwebhooks
from channel_peers import HOST, Script, a_push, an_address, guard_for, names, served, trust

from andante.channels.catalogue import Means
from andante.channels.contract import FORMS, Content, Status
from andante.channels.guard import Guard
from andante.channels.http import Http
from andante.channels.webhook import Webhook, read_signatures, webhook
from andante.settings.sections.channels import WebhookOptions
from andante.vocabulary.fault import InputFault, SettingsFault

NEW, OLD = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))
NOW_S = 1_750_000_100


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "secrets"
    file.write_text(f"{NEW}\n{OLD}\n")
    return file


def sent(secret_file, push, *answers, of_shop=False, now_s=NOW_S):
    async def tried():
        application = Script(*(answers or [(204, {}, b"")]))
        async with served(application) as port:
            guard, url = guard_for(port), f"https://{HOST}:{port}/push"
            channel = Webhook(
                Http(guard=guard, trust=trust()),
                guard,
                read_signatures(secret_file),
                url=url if of_shop else None,
                now_s=lambda: now_s,
            )
            answer = await channel.send(push, an_address("webhook", {} if of_shop else {"url": url}))
            await channel.close()
        return answer, application.seen

    return asyncio.run(tried())


def test_a_push_arrives_signed_with_both_secrets_under_the_id_of_its_decision(secret_file):
    content = Content(title="特价", form="card", html="<p>for e-mail</p>")
    push = a_push(item_id="i-1", outcome_url="https://shop.example/o", content=content)
    answer, (seen,) = sent(secret_file, push)
    assert answer.status is Status.ACCEPTED
    headers, body = seen["headers"], seen["body"]
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("d-1", str(NOW_S))
    signed = f"d-1.{NOW_S}.".encode() + body
    expected = [
        "v1," + base64.b64encode(hmac.new(bytes([n]) * 32, signed, hashlib.sha256).digest()).decode() for n in (1, 2)
    ]
    assert headers["webhook-signature"].split(" ") == expected
    read = json.loads(body)
    at = datetime.fromtimestamp(push.sent_at_s, UTC)
    assert (read["type"], datetime.fromisoformat(read["timestamp"])) == ("push.send", at)
    assert read["data"]["content"] == {"title": "特价", "form": "card"}
    assert (read["data"]["user_id"], read["data"]["item_id"]) == ("ann", "i-1")


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_a_receiver_that_knows_either_secret_is_convinced_by_its_own_library(secret_file, secret):
    now_s = datetime.now(UTC).timestamp()
    _, (seen,) = sent(secret_file, a_push(), now_s=now_s)
    receiver = standardwebhooks.Webhook(secret)
    assert receiver.verify(seen["body"], seen["headers"])["data"]["decision_id"] == "d-1"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        receiver.verify(seen["body"].replace(b"Sale", b"Free"), seen["headers"])
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        receiver.verify(seen["body"], seen["headers"] | {"webhook-id": "d-2"})


@pytest.mark.parametrize(
    ("code", "of_user", "of_shop"),
    [
        (200, Status.ACCEPTED, Status.ACCEPTED),
        (307, Status.UNABLE, Status.UNABLE),
        (401, Status.UNABLE, Status.UNABLE),
        (404, Status.REFUSED, Status.UNABLE),
        (410, Status.GONE, Status.UNABLE),
        (422, Status.REFUSED, Status.REFUSED),
        (429, Status.BUSY, Status.BUSY),
        (500, Status.BUSY, Status.BUSY),
        (502, Status.AMBIGUOUS, Status.AMBIGUOUS),
        (503, Status.BUSY, Status.BUSY),
    ],
)
def test_every_answer_of_a_receiver_has_one_meaning(secret_file, code, of_user, of_shop):
    for status, whose in ((of_user, False), (of_shop, True)):
        answer, seen = sent(secret_file, a_push(), (code, {"retry-after": "9"}, b"because"), of_shop=whose)
        assert (answer.status, answer.code, answer.raw) == (status, str(code), "because")
        assert answer.retry_after_s == (9.0 if status is Status.BUSY else None)
        assert len(seen) == 1, "one attempt"


@pytest.mark.parametrize("form", FORMS)
def test_a_receiver_gets_every_form(secret_file, form):
    answer, (seen,) = sent(secret_file, a_push(content=Content(title="t", form=form)))
    assert answer.status is Status.ACCEPTED
    assert json.loads(seen["body"])["data"]["content"].get("form", "text") == form


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"content": Content(title="t", form="hologram")}, Status.UNABLE, "form"),
        ({"expires_s": NOW_S}, Status.REFUSED, "expired"),
        ({"decision_id": "d\r\nx-evil: 1"}, Status.UNABLE, "header"),
    ],
)
def test_what_cannot_go_out_opens_no_line(secret_file, changed, status, code):
    answer, seen = sent(secret_file, a_push(**changed))
    assert (answer.status, answer.code, seen) == (status, code, [])


@pytest.mark.parametrize("value", [{}, {"url": None}, {"url": "http://shop.example/"}, {"url": "https://127.1/"}])
def test_an_address_that_leads_nowhere_or_inside_is_refused_when_it_is_given(secret_file, value):
    guard = Guard(resolver=names({}))
    channel = Webhook(Http(guard=guard), guard, read_signatures(secret_file))
    with pytest.raises(InputFault):
        channel.checked(value)
    answer = asyncio.run(channel.send(a_push(), an_address("webhook", value)))
    assert answer.status is (Status.UNABLE if value.get("url") else Status.GONE)
    assert channel.checked({"url": "https://shop.example", "more": 1}) == {"url": "https://shop.example/"}


def opened(secret_file, **options):
    options = WebhookOptions(provider="webhook", secret_file=secret_file, **options)
    return webhook(options, Means(secret=lambda _name, make: make()))


def test_a_channel_with_the_shops_own_url_needs_no_addresses(secret_file):
    assert opened(secret_file, url="https://sender.shop.example/").of_users
    assert not opened(secret_file).of_users


@pytest.mark.parametrize("url", ["http://sender.shop.example/", "https://10.0.0.1/", "https://shop.example:8443/"])
def test_a_shops_own_url_that_may_not_be_connected_to_is_a_fault_of_the_settings(secret_file, url):
    with pytest.raises(SettingsFault, match="private_targets"):
        opened(secret_file, url=url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "hunter2",
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        NEW.removeprefix("whsec_"),
        f"{NEW}\n{OLD}\n{NEW}",
        "whsec_ü",
    ],
)
def test_a_file_of_no_usable_secrets_is_named_and_never_shown(tmp_path, text):
    file = tmp_path / "secrets"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsFault, match="secret_file") as fault:
        read_signatures(file)
    secret = text.strip().partition("\n")[0].removeprefix("whsec_")
    assert not secret or secret not in str(fault.value)
