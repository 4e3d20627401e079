"""What takes pushes is set up in tables, one kind a provider, and no secret stands in them."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from andante.channels.contract import FORMS
from andante.settings.sections.channels import KINDS, AnyChannel, ApnsOptions, EmailOptions, PluginOptions
from andante.vocabulary.message import OutcomeType

CHANNEL = TypeAdapter(AnyChannel)

COMPLETE = {
    "apns": {"team_id": "A1B2C3D4E5", "key_id": "F6G7H8I9J0", "key_file": "k.p8", "topic": "example.shop"},
    "apprise": {"urls_file": "urls"},
    "email": {"host": "mail.shop.example", "from_address": "Shop <news@shop.example>"},
    "fcm": {"service_account_file": "account.json"},
    "huawei": {"app_id": "10001", "secret_file": "s"},
    "in_app": {},
    "jpush": {"app_key": "a", "master_secret_file": "s"},
    "web_push": {"subject": "https://shop.example/contact"},
    "webhook": {"secret_file": "s"},
}


def read(**table):
    return CHANNEL.validate_python(table)


def wrong(**table):
    """Return the places and texts of all faults."""
    with pytest.raises(ValidationError) as error:
        read(**table)
    return [
        (".".join(map(str, one["loc"])), one["msg"], one.get("ctx", {}), one["input"]) for one in error.value.errors()
    ]


@pytest.mark.parametrize("provider", KINDS)
def test_a_provider_is_set_up_with_what_it_cannot_do_without(provider):
    options = read(provider=provider, **COMPLETE[provider])
    assert type(options) is KINDS[provider]
    assert (options.provider, options.channel) == (provider, None)
    required = {name for name, field in KINDS[provider].model_fields.items() if field.is_required()}
    assert required == {"provider", *COMPLETE[provider]}
    assert CHANNEL.validate_python(CHANNEL.dump_python(options, mode="json")) == options


@pytest.mark.parametrize("provider", KINDS)
def test_every_setting_is_documented_and_no_setting_holds_a_secret(provider):
    for name, field in KINDS[provider].model_fields.items():
        assert field.description.endswith("."), name
        assert {"clock", "counts"} <= set(field.json_schema_extra), name
        if any(word in name for word in ("secret", "password", "key_file", "account", "urls")):
            assert name.endswith("_file")


def test_defaults_are_those_that_are_safe():
    options = read(provider="web_push", **COMPLETE["web_push"])
    assert (options.private_targets, options.ports, options.ttl) == (False, (443,), timedelta(hours=4))
    mail = read(provider="email", **COMPLETE["email"])
    assert isinstance(mail, EmailOptions)
    assert (mail.port, mail.tls, mail.password_file) == (587, "starttls", None)
    apns = read(provider="apns", **COMPLETE["apns"])
    assert isinstance(apns, ApnsOptions)
    assert (apns.sandbox, apns.key_file) == (False, Path("k.p8"))


def test_the_forms_of_an_app_are_those_of_pushes():
    for form in FORMS:
        assert read(provider="fcm", **COMPLETE["fcm"], app_forms=[form]).app_forms == (form,)
    assert read(provider="apns", **COMPLETE["apns"]).app_forms == ()


@given(st.dictionaries(st.integers(0, 999_999_999), st.sampled_from(sorted(map(str, OutcomeType))), min_size=1))
def test_types_of_receipts_are_read_with_numbers_or_with_their_text(types):
    for keys in (types, {str(number): outcome for number, outcome in types.items()}):
        assert read(provider="jpush", **COMPLETE["jpush"], receipt_types=keys).receipt_types == types


@pytest.mark.parametrize(
    ("provider", "setting", "value"),
    [
        ("fcm", "app_forms", ["smell"]),
        ("fcm", "app_forms", "video"),
        ("apns", "marketing_level", "time-sensitive"),
        ("apns", "transactional_level", "critical"),
        ("huawei", "work_category", ""),
        ("jpush", "platform", "quickapp"),
        ("jpush", "marketing_level", "time-sensitive"),
        ("jpush", "third_party_channel", []),
        ("jpush", "receipt_types", {}),
        ("jpush", "receipt_types", {"x": "delivered"}),
        ("jpush", "receipt_types", {"-1": "delivered"}),
        ("jpush", "receipt_types", {"1": "teleported"}),
        ("jpush", "receipt_types", {"1": ["delivered"]}),
        ("jpush", "receipt_types", ["delivered"]),
    ],
)
def test_what_a_provider_does_not_have_is_refused(provider, setting, value):
    ((place, *_),) = wrong(provider=provider, **COMPLETE[provider], **{setting: value})
    assert place.split(".")[0] == setting


def test_a_plugin_gets_a_table_of_its_own():
    options = read(provider="echo", channel="push", options={"greeting": "Hi", "depth": {"n": 1}})
    assert options == PluginOptions(provider="echo", channel="push", options={"greeting": "Hi", "depth": {"n": 1}})


@pytest.mark.parametrize(
    ("table", "place", "problem", "action"),
    [
        ({"provider": "webpush"}, "provider", "is no provider", "did you mean web_push?"),
        ({"provider": "F C M"}, "provider", "is no provider", "choose of apns"),
        ({"provider": "fcm", "service_acount_file": "f"}, "service_acount_file", "of fcm", "service_account_file?"),
        ({"provider": "email", "password": "hunter2"}, "password", "of email", "did you mean password_file?"),
        ({"provider": "jpush", "master_secret": "hunter2"}, "master_secret", "of jpush", "master_secret_file?"),
        ({"provider": "in_app", "tokn": "hunter2"}, "tokn", "of in_app", "leave it out, or use one of channel"),
        ({"provider": "echo", "greeting": "Hi"}, "greeting", "of echo", "use one of channel, options"),
        ({"provider": "apns", **COMPLETE["apns"], "team_id": "a1"}, "team_id", "10 capitals", "developer account"),
        ({"provider": "web_push", "subject": "shop.example"}, "subject", "mailto:", "mailto:push@"),
        ({"provider": "webhook", "secret_file": "s", "ports": []}, "ports", "list of ports", "[443"),
        ({"provider": "webhook", "secret_file": "s", "ports": [0]}, "ports", "list of ports", "[443"),
        ({"provider": "webhook", "secret_file": "s", "ports": [True]}, "ports", "list of ports", "[443"),
        ({"provider": "webhook", "secret_file": ""}, "secret_file", "is no path", "path of a file"),
        ({"provider": "webhook", "secret_file": 7}, "secret_file", "is no path", "path of a file"),
        (
            {"provider": "email", "host": "h", "from_address": "news@shop.example\r\nBcc: x@y.example"},
            "from_address",
            "no mailbox",
            "Shop <",
        ),
        ({"provider": "web_push", **COMPLETE["web_push"], "ttl": "P29D"}, "ttl", "between PT0S and P28D", "from PT0S"),
    ],
)
def test_a_fault_names_the_setting_and_the_fix(table, place, problem, action):
    ((found, message, context, _),) = wrong(**table)
    assert found == place
    assert problem in message
    assert action in context["action"]


def test_a_secret_under_a_wrong_name_is_not_shown():
    assert "hunter2" not in str(wrong(provider="email", **COMPLETE["email"], password="hunter2"))  # noqa: S106  the canary


@pytest.mark.parametrize("table", [{}, {"password": "hunter2"}, {"provider": 3, "password": "hunter2"}])
def test_a_table_without_a_provider_is_refused(table):
    found = wrong(**table)
    assert [place for place, *_ in found] == ["provider"]
    assert "hunter2" not in str(found)


def test_what_is_missing_is_named():
    assert {place for place, *_ in wrong(provider="huawei")} == {"app_id", "secret_file"}
