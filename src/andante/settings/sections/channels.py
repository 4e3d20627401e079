"""The sections ``[channels.NAME]``: who takes pushes to users, one table a provider.

A secret never stands in the configuration: a setting names the file that holds it.
"""

import difflib
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from andante.settings.sections.values import Between, Duration, Section, about, fault
from andante.vocabulary.message import OutcomeType

_PROVIDER = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,63}")
_SUBJECT = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://\S+")
_APPLE_ID = re.compile(r"[A-Z0-9]{10}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_MAILBOX = re.compile(r"[^@\s<>]+@[^@\s<>]+|[^<>\x00-\x1f]+<[^@\s<>]+@[^@\s<>]+>")
_PATH_FORM = "the path of a file"
_FORMS = ("text", "list", "card", "video")
_OUTCOMES = tuple(str(outcome) for outcome in OutcomeType)
_NEAR = 0.75
_HIDDEN = "…"
"""Stands for a value that may be a secret."""


def _path(value: object) -> Path:
    if isinstance(value, Path) or (isinstance(value, str) and value.strip() and "\n" not in value):
        return Path(value)
    raise fault("is no path", "write the path of a file, such as /run/secrets/apns.p8")


def _ports(value: object) -> tuple[int, ...]:
    given = tuple(value) if isinstance(value, list | tuple) else ()
    if not given or not all(type(port) is int and 0 < port < 1 << 16 for port in given):
        raise fault("is not a list of ports", "write them as [443, 8443]")
    return given


def _forms(value: object) -> tuple[str, ...]:
    given = tuple(value) if isinstance(value, list | tuple) else (None,)
    if not all(form in _FORMS for form in given):
        raise fault("is not a list of forms", f"write those of {', '.join(_FORMS)} that the app shows by itself")
    return given


def _receipt_types(value: object) -> dict[int, str]:
    """Read which number means which outcome. A table of TOML has its numbers as text."""
    given = {str(kind): outcome for kind, outcome in value.items()} if isinstance(value, Mapping) else {}
    if not given or not all(_WHOLE.fullmatch(kind) and outcome in _OUTCOMES for kind, outcome in given.items()):
        action = f'write {{ 1 = "delivered" }}, with outcomes of {", ".join(_OUTCOMES)}'
        raise fault("is not a table of outcomes by number", action)
    return {int(kind): str(outcome) for kind, outcome in given.items()}


def _like(pattern: re.Pattern[str], problem: str, action: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise fault(problem, action)
        return value

    return AfterValidator(check)


File = Annotated[Path, BeforeValidator(_path), PlainSerializer(str, return_type=str)]
Ports = Annotated[tuple[int, ...], BeforeValidator(_ports)]
Forms = Annotated[tuple[str, ...], BeforeValidator(_forms)]
ReceiptTypes = Annotated[dict[int, str], BeforeValidator(_receipt_types)]
MarketingLevel = Literal["passive", "active"]
TransactionalLevel = Literal["passive", "active", "time-sensitive"]
Text = Annotated[str, Field(min_length=1)]
AppleId = Annotated[str, _like(_APPLE_ID, "is not 10 capitals and digits", "copy it from Apple's developer account")]


class ChannelOptions(Section):
    """What all of them share."""

    provider: str = Field(
        description="Who takes the pushes: apns, apprise, email, fcm, huawei, in_app, jpush, web_push, webhook, or the "
        "name of an installed plugin.",
        json_schema_extra=about(form="the name of a provider"),
    )
    channel: Text | None = Field(
        default=None,
        description="The shop's name of the channel, as candidates say it. Absent: the table's own name. Tables of "
        "several providers may serve one channel.",
        json_schema_extra=about(),
    )


class _Trusting(ChannelOptions):
    """What those share that are reached by TLS."""

    ca_file: File | None = Field(
        default=None,
        description="Authorities to believe beside the public ones, in PEM.",
        json_schema_extra=about(form=_PATH_FORM),
    )


class _Guarded(_Trusting):
    """What those share whose targets strangers name."""

    private_targets: bool = Field(
        default=False,
        description="Allow http, this machine and private networks as targets: for tests and a shop's own network.",
        json_schema_extra=about(),
    )
    ports: Ports = Field(
        default=(443,),
        description="The ports that may be connected to.",
        json_schema_extra=about(form="a list of ports, such as [443, 8443]"),
    )


class _ToApps(_Trusting):
    """What those share that push to apps."""

    app_forms: Forms = Field(
        default=(),
        description="The forms that the app shows by itself, from data, beside those that the provider shows.",
        json_schema_extra=about(form='a list of forms, such as ["list", "video"]'),
    )


class WebPushOptions(_Guarded):
    """Browsers."""

    subject: Annotated[str, _like(_SUBJECT, "is no mailto: or https: URL", 'write "mailto:push@shop.example"')] = Field(
        description="How a push service reaches those who run this one.",
        json_schema_extra=about(form="a URL, mailto: or https:"),
    )
    key_file: File | None = Field(
        default=None,
        description="The private key; it is made where the file is not there. Absent: it is kept beside the database. "
        "Browsers' subscriptions end with it.",
        json_schema_extra=about(form=_PATH_FORM),
    )
    ttl: Annotated[Duration, Between("PT0S", "P28D")] = Field(
        default=timedelta(hours=4),
        description="How long a push that does not expire may wait for a browser that is off.",
        json_schema_extra=about(clock="since it went out", counts="pushes that are not transactional"),
    )
    ttl_transactional: Annotated[Duration, Between("PT0S", "P28D")] = Field(
        default=timedelta(days=7),
        description="The same for a transactional push.",
        json_schema_extra=about(clock="since it went out", counts="transactional pushes"),
    )


class WebhookOptions(_Guarded):
    """A shop's own sender."""

    url: Text | None = Field(
        default=None,
        description="Where every push goes. Absent: to the `url` of the user's address.",
        json_schema_extra=about(form='a URL, such as "https://sender.shop.example/push"'),
    )
    secret_file: File = Field(
        description="The secrets that sign, `whsec_…`, one a line: the new one and, while it is replaced, the old one.",
        json_schema_extra=about(form=_PATH_FORM),
    )


class InAppOptions(ChannelOptions):
    """The service's own feed."""


class FcmOptions(_ToApps):
    """Firebase Cloud Messaging, HTTP v1."""

    service_account_file: File = Field(
        description="The service account's key, JSON, as the Firebase console gives it.",
        json_schema_extra=about(form=_PATH_FORM),
    )
    project_id: Text | None = Field(
        default=None, description="The project. Absent: the service account's own.", json_schema_extra=about()
    )
    android_channel: Text | None = Field(
        default=None,
        description="The notification channel of the Android app. Absent: the app's default.",
        json_schema_extra=about(),
    )


class ApnsOptions(_ToApps):
    """Apple's push notification service, by token."""

    team_id: AppleId = Field(description="The team that signs.", json_schema_extra=about(form="10 capitals and digits"))
    key_id: AppleId = Field(
        description="The id of the key that signs.", json_schema_extra=about(form="10 capitals and digits")
    )
    key_file: File = Field(description="The key that signs, `AuthKey_….p8`.", json_schema_extra=about(form=_PATH_FORM))
    topic: Text = Field(description="The app's bundle id.", json_schema_extra=about())
    sandbox: bool = Field(default=False, description="Send to builds in development.", json_schema_extra=about())
    marketing_level: MarketingLevel = Field(
        default="active",
        description="How much marketing interrupts; passive makes no sound and waits in the list.",
        json_schema_extra=about(counts="pushes that are not transactional"),
    )
    transactional_level: TransactionalLevel = Field(
        default="active",
        description="The same for a transactional push; time-sensitive breaks through a focus, where the app may.",
        json_schema_extra=about(counts="transactional pushes"),
    )


class HuaweiOptions(_ToApps):
    """Huawei Push Kit."""

    app_id: Text = Field(description="The app's id (client id).", json_schema_extra=about())
    secret_file: File = Field(description="The app's secret (client secret).", json_schema_extra=about(form=_PATH_FORM))
    work_category: Text = Field(
        default="WORK",
        description="The category of transactional pushes, as Huawei granted it to the app.",
        json_schema_extra=about(counts="transactional pushes"),
    )
    callback_user: Text | None = Field(
        default=None,
        description="The user name of the callback, as set up in AppGallery Connect. Absent: no receipt is believed.",
        json_schema_extra=about(),
    )
    callback_key_file: File | None = Field(
        default=None,
        description="The key that signs the callback's calls, with `callback_user`.",
        json_schema_extra=about(form=_PATH_FORM),
    )


class JpushOptions(_ToApps):
    """JPush (极光推送)."""

    app_key: Text = Field(description="The app's AppKey.", json_schema_extra=about())
    master_secret_file: File = Field(description="The app's Master Secret.", json_schema_extra=about(form=_PATH_FORM))
    platform: Literal["android", "ios"] = Field(
        default="android",
        description="The system of the app. An app for both has two tables, each with a channel of its own.",
        json_schema_extra=about(),
    )
    apns_production: bool = Field(
        default=True,
        description="Whether it hands pushes for iOS to Apple's production service.",
        json_schema_extra=about(),
    )
    marketing_level: MarketingLevel = Field(
        default="active",
        description="How much marketing interrupts on iOS; passive makes no sound and waits in the list.",
        json_schema_extra=about(counts="pushes that are not transactional"),
    )
    third_party_channel: dict[str, Any] = Field(
        default_factory=dict,
        description="What goes to the makers of phones as it is: their channel ids, categories and importance.",
        json_schema_extra=about(form='a table, such as { xiaomi = { channel_id = "promo" } }'),
    )
    receipt_types: ReceiptTypes | None = Field(
        default=None,
        description="Which type of a receipt is which outcome, as JPush told you. Absent: 1 delivered, 2 clicked.",
        json_schema_extra=about(form='a table, such as { 1 = "delivered", 2 = "clicked" }'),
    )


class EmailOptions(_Trusting):
    """A mail server that takes mail for others (submission)."""

    host: Text = Field(description="The mail server.", json_schema_extra=about())
    port: int = Field(default=587, ge=1, le=65_535, description="Its port for submission.", json_schema_extra=about())
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the line is encrypted: after STARTTLS, without which nothing is sent, or from the first byte "
        "(port 465); none is for a server on this machine.",
        json_schema_extra=about(),
    )
    user: Text | None = Field(default=None, description="Who signs in. Absent: nobody does.", json_schema_extra=about())
    password_file: File | None = Field(
        default=None, description="The password of `user`.", json_schema_extra=about(form=_PATH_FORM)
    )
    from_address: Annotated[str, _like(_MAILBOX, "is no mailbox", 'write "Shop <news@shop.example>"')] = Field(
        description="Whom the mail is from. The server signs it (DKIM) for this domain.",
        json_schema_extra=about(form="a mailbox, such as Shop <news@shop.example>"),
    )


class AppriseOptions(ChannelOptions):
    """Whatever Apprise can reach."""

    urls_file: File = Field(
        description="Exactly one URL of Apprise, which holds secrets; names in braces in it come from each address.",
        json_schema_extra=about(form=_PATH_FORM),
    )


class PluginOptions(ChannelOptions):
    """A provider of a package of somebody else's."""

    options: dict[str, Any] = Field(
        default_factory=dict, description="What the plugin asks for.", json_schema_extra=about(form="a table")
    )


KINDS: Final[Mapping[str, type[ChannelOptions]]] = MappingProxyType(
    {
        "apns": ApnsOptions,
        "apprise": AppriseOptions,
        "email": EmailOptions,
        "fcm": FcmOptions,
        "huawei": HuaweiOptions,
        "in_app": InAppOptions,
        "jpush": JpushOptions,
        "web_push": WebPushOptions,
        "webhook": WebhookOptions,
    }
)
"""The settings of each provider of ours; those of a plugin are PluginOptions."""


def _of_provider(value: object) -> object:
    """Read a table as its provider's; what is no table is left to be refused as it is.

    A key that is not known may hold a secret under a wrong name, so its value is never shown.
    """
    if not isinstance(value, Mapping):
        return value
    provider = value.get("provider")
    if not isinstance(provider, str):
        raise _faulty("provider", provider, "missing" if provider is None else "string_type")
    near = difflib.get_close_matches(provider, KINDS, n=1, cutoff=_NEAR)
    if provider not in KINDS and "options" not in value and (near or not _PROVIDER.fullmatch(provider)):
        action = f"did you mean {near[0]}?" if near else f"choose of {', '.join(KINDS)}, or an installed plugin"
        raise _faulty("provider", provider, fault("is no provider", action))
    kind = KINDS.get(provider, PluginOptions)
    for key in value:
        if key not in kind.model_fields:
            raise _faulty(str(key), _HIDDEN, _unknown(str(key), provider, kind))
    return kind.model_validate(dict(value))


def _unknown(key: str, provider: str, kind: type[ChannelOptions]) -> PydanticCustomError:
    fields = kind.model_fields
    near = [f"{key}_file"] if f"{key}_file" in fields else difflib.get_close_matches(key, fields, n=1)
    choices = ", ".join(name for name in fields if name != "provider")
    action = f"did you mean {near[0]}?" if near else f"leave it out, or use one of {choices}"
    return fault(f"is not a setting of {provider}", action)


def _faulty(key: str, value: object, error: PydanticCustomError | str) -> ValidationError:
    return ValidationError.from_exception_data("channels", [InitErrorDetails(type=error, loc=(key,), input=value)])


AnyChannel = Annotated[SerializeAsAny[ChannelOptions], BeforeValidator(_of_provider)]
"""A table of whatever provider it names."""
