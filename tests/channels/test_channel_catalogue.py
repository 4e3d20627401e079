"""Channels are opened by the name of their provider, ours or a plugin's."""

import asyncio
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from channel_peers import a_push, an_address
from pydantic import TypeAdapter

from andante.channels import catalogue
from andante.channels.catalogue import BUILT_IN, Means, build, providers
from andante.channels.contract import FORMS, Content, Status
from andante.settings.sections.channels import KINDS, AnyChannel
from andante.vocabulary.fault import MissingExtra, SettingsFault

PLUGIN = Path(__file__).parents[1] / "plugins" / "andante-echo-channel"


def means(feed=None):
    return Means(secret=lambda _name, make: make(), feed=feed)


def read(**tables):
    return {name: TypeAdapter(AnyChannel).validate_python(table) for name, table in tables.items()}


@pytest.fixture
def echo_plugin(tmp_path, monkeypatch):
    """Install the plugin as its users do, but for the network, into a folder that only this test imports from."""
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(PLUGIN, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run(
        [*pip, "--no-index", "--no-deps", "--no-build-isolation", "--target", target, source], check=True, timeout=120
    )
    monkeypatch.syspath_prepend(target)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("andante_echo_channel", None)


def test_an_installed_plugin_is_a_provider_like_our_own(echo_plugin):
    assert set(providers()) == {*BUILT_IN, "echo"}
    table = {"provider": "echo", "channel": "push", "options": {"greeting": "Hi"}}
    lanes = build(read(parrot=table), means())
    (channel,) = lanes.values()
    assert set(lanes) == {("push", "echo")}
    answer = asyncio.run(channel.send(a_push(), an_address("echo", {})))
    assert (answer.status, answer.provider_id) == (Status.ACCEPTED, "Hi ann: Sale")
    answer = asyncio.run(channel.send(a_push(content=Content(title="t", form="video")), an_address("echo", {})))
    assert answer.status is Status.UNABLE


def test_a_plugin_that_is_not_installed_is_a_fault_that_names_what_there_is():
    assert "echo" not in providers()
    with pytest.raises(SettingsFault, match=r"channels\.parrot\.provider \(echo\) is no provider: choose of apns"):
        build(read(parrot={"provider": "echo", "options": {}}), means())


def test_every_provider_of_ours_has_its_settings():
    assert set(BUILT_IN) == set(KINDS)


def test_several_providers_serve_one_channel_of_the_shop(tmp_path):
    secret = tmp_path / "secrets"
    secret.write_text("whsec_" + "A" * 44)
    tables = {
        "browsers": {"provider": "web_push", "channel": "push", "subject": "mailto:push@shop.example"},
        "push": {"provider": "webhook", "secret_file": str(secret)},
    }
    lanes = build(read(**tables), means())
    assert set(lanes) == {("push", "web_push"), ("push", "webhook")}
    for (_, provider), channel in lanes.items():
        assert channel.provider == provider
        assert set(channel.forms) <= set(FORMS)
        asyncio.run(channel.close())


def test_one_provider_serves_a_channel_once():
    table = {"provider": "web_push", "channel": "push", "subject": "mailto:push@shop.example"}
    with pytest.raises(SettingsFault, match=r"channels\.b\.provider \(web_push\) is set up twice for the channel push"):
        build(read(a=table, b=table), means())


def test_the_key_of_browsers_is_kept_where_ours_are_or_in_the_file_that_is_named(tmp_path):
    kept = {}

    def secret(name, make):
        return kept.setdefault(name, make())

    table = {"provider": "web_push", "subject": "mailto:push@shop.example"}
    first, again = (build(read(web=table), Means(secret=secret))["web", "web_push"] for _ in range(2))
    assert first.public_key == again.public_key
    assert set(kept) == {"vapid"}
    file = tmp_path / "vapid.pem"
    named = build(read(web=table | {"key_file": str(file)}), Means(secret=secret))["web", "web_push"]
    assert named.public_key != first.public_key
    assert file.exists()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"provider": "webhook", "secret_file": "none"}, r"channels\.hook\.secret_file \(none\) cannot be read"),
        ({"provider": "in_app"}, r"channels\.hook\.provider \(in_app\) needs a feed"),
    ],
)
def test_a_channel_that_cannot_be_opened_is_named_with_the_setting_at_fault(table, words):
    with pytest.raises(SettingsFault, match=words):
        build(read(hook=table), means())


def test_a_library_that_is_not_installed_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr(catalogue, "BUILT_IN", {"webhook": "andante.channels.not_there:webhook"})
    with pytest.raises(MissingExtra, match=r"needs a library that is not installed .*andante\[channels\]"):
        build(read(hook={"provider": "webhook", "secret_file": "none"}), means())
