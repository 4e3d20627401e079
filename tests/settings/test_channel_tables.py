"""Tables of channels are read, checked and described like every other section."""

import pytest

from andante.settings import describe, faults, load
from andante.settings.sections.channels import WebPushOptions

WEB = {"provider": "web_push", "subject": "mailto:push@shop.example"}


def said(source, environ=None):
    return [str(fault) for fault in faults(source, environ or {})]


def test_a_table_is_read_as_its_providers_and_the_environment_overrides_it():
    settings = load({"channels": {"push": WEB}}, {"ANDANTE_CHANNELS__PUSH__TTL": "PT1H"})
    assert isinstance(settings.channels["push"], WebPushOptions)
    assert settings.channels["push"].ttl.total_seconds() == 3600


@pytest.mark.parametrize(
    ("tables", "fault"),
    [
        ({"push": 3}, "channels.push (3) is not a table: write [channels.NAME] with its keys beneath"),
        ({"push": {}}, "channels.push.provider is missing: write the name of a provider"),
        (
            {"push": WEB | {"provider": "webpush"}},
            "channels.push.provider (webpush) is no provider: did you mean web_push?",
        ),
        (
            {"mail": {"provider": "email", "password": "hunter2"}},
            "channels.mail.password (…) is not a setting of email: did you mean password_file?",
        ),
        (
            {"mail": {"provider": "email", "from_address": "a@shop.example"}},
            "channels.mail.host is missing: write text",
        ),
        (
            {"push": WEB | {"ttl": "P29D"}},
            "channels.push.ttl (P29D) is not a duration of whole seconds between PT0S and P28D: write an ISO-8601",
        ),
        (
            {"hook": {"provider": "webhook", "secret_file": 7}},
            "channels.hook.secret_file (7) is no path: write the path",
        ),
        (
            {"apple": {"provider": "fcm", "service_account_file": "f", "app_forms": ["smell"]}},
            'channels.apple.app_forms (["smell"]) is not a list of forms: write those of text, list, card, video',
        ),
        (
            {"jpush": {"provider": "jpush", "app_key": "a", "master_secret_file": "f", "receipt_types": {"9": "lost"}}},
            'channels.jpush.receipt_types ({"9": "lost"}) is not a table of outcomes by number: write { 1 =',
        ),
        (
            {"push": WEB, "web": WEB | {"channel": "push"}},
            "channels.web.provider (web_push) serves the channel push already, by channels.push: keep one of the two",
        ),
        (
            {f"push{n}": WEB for n in range(9)},
            "channels, vendor_quotas and caps (9 of scope channel) name more than the 8",
        ),
    ],
)
def test_a_fault_in_a_table_is_named_with_its_fix(tables, fault):
    first, *_ = said({"channels": tables})
    assert first.startswith(fault)


def test_all_faults_of_a_table_are_named_and_no_value_of_an_unknown_key_is_shown():
    table = {"provider": "jpush", "master_secret": "hunter2", "app_key": ""}
    found = said({"channels": {"jpush": table}})
    assert len(found) == 3
    assert "hunter2" not in " ".join(found)


def test_a_key_of_several_providers_is_described_once_and_says_whose_it_is():
    keys = {setting.key: setting for setting in describe() if setting.key.startswith("channels.")}
    assert "apns: The key that signs" in keys["channels.NAME.key_file"].meaning
    assert "web_push: The private key" in keys["channels.NAME.key_file"].meaning
    assert keys["channels.NAME.key_file"].default == "required (apns), absent (web_push)"
    assert keys["channels.NAME.provider"].default == "required"
