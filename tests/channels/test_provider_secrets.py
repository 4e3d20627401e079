"""No secret of a provider is logged, shown by a value's repr, or told in an answer, whatever a provider echoes."""

import logging

import pytest
from channel_peers import a_push, an_address
from provider_desk import Clock, Provider, apple_key, attempted, google_key, http, pem, said

from andante.channels.apns import Apns
from andante.channels.fcm import Account, Fcm
from andante.channels.huawei import Huawei
from andante.channels.jpush import Jpush

SECRET = "hunter2-the-secret"  # noqa: S105  of nobody
TOKEN = said(200, {"access_token": SECRET, "expires_in": 3600})


def fcm(url):
    account = Account("shop", "push@shop.example", pem(google_key()), "k", f"{url}/token")
    return Fcm(account, http(), endpoint=url, now_s=Clock())


def apns(url):
    return Apns(pem(apple_key()), http(), key_id="K", team_id="T", topic="a", endpoint=url, now_s=Clock())


def huawei(url):
    return Huawei("100", SECRET, http(), endpoint=url, token_url=f"{url}/token", callback=("u", SECRET), now_s=Clock())


def jpush(url):
    return Jpush("key", SECRET, http(), endpoint=url, now_s=Clock())


MAKERS = {
    "fcm": (fcm, "device-1"),
    "apns": (apns, "ab" * 32),
    "huawei": (huawei, "0864000000000000000001CN01"),
    "jpush": (jpush, "18071adc030dcba91c0"),
}


@pytest.mark.parametrize("provider", MAKERS)
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_no_secret_is_told_by_an_answer_by_a_log_or_by_a_repr(provider, status, caplog):
    make, device = MAKERS[provider]
    made = []

    def remembered(url):
        made.append(make(url))
        return made[0]

    cids = said(200, {"cidlist": ["key-1"]})
    peer = Provider(token=[TOKEN], v3__push__cid=[cids], v=[said(status, {"x": 1})], **{"3": [said(status, {"x": 1})]})
    with caplog.at_level(logging.DEBUG):
        (answer,) = attempted(remembered, peer, (a_push(), an_address(provider, {"token": device})))
    private = pem(apple_key()).splitlines()[1]
    for told in (repr(answer), caplog.text, repr(made[0]), repr(vars(made[0]).get("_account", ""))):
        assert SECRET not in told
        assert private not in told
        assert pem(google_key()).splitlines()[1] not in told


@pytest.mark.parametrize("provider", ["fcm", "huawei"])
def test_a_token_endpoint_that_echoes_what_it_was_sent_is_not_told(provider):
    make, device = MAKERS[provider]
    echoed = said(400, {"error": "invalid_client", "error_description": SECRET, "echo": pem(google_key())})
    (answer,) = attempted(
        make, Provider(token=[echoed], v=[said(200)]), (a_push(), an_address(provider, {"token": device}))
    )
    assert (answer.raw, answer.code) == ("", "token 400 invalid_client")
    assert SECRET not in repr(answer)
