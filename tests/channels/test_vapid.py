"""The key of VAPID is made once, for its owner alone, and what it signs others can verify."""

import stat
import threading

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from py_vapid import Vapid02
from py_vapid.utils import b64urlencode

from andante.channels.secret_file import made_once, read_secret
from andante.channels.vapid import new_key, read_key
from andante.vocabulary.fault import SettingsFault

SUBJECT = "mailto:push@shop.example"
PEM = new_key()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**40))
def test_a_token_holds_at_every_moment_and_never_longer_than_a_day(now_s):
    header = read_key(PEM, SUBJECT).authorization("https://push.example", now_s)
    assert Vapid02.verify(header.replace(", ", ","))
    claims = jwt.decode(header.split(" ")[1][2:-1], options={"verify_signature": False, "verify_exp": False})
    assert claims["aud"] == "https://push.example"
    assert claims["sub"] == SUBJECT
    assert 3600 <= claims["exp"] - now_s <= 86_400


def test_a_token_is_signed_once_for_an_hour_and_a_push_service():
    key = read_key(PEM, SUBJECT)
    first = key.authorization("https://push.example", 0)
    assert key.authorization("https://push.example", 3599) == first
    assert key.authorization("https://other.example", 0) != first
    assert key.authorization("https://push.example", 86_400) != first


def test_a_key_that_another_tool_made_is_read(tmp_path):
    theirs = Vapid02()
    theirs.generate_keys()
    raw = b64urlencode(theirs.private_key.private_numbers().private_value.to_bytes(32, "big"))
    theirs.save_key(tmp_path / "theirs.pem")
    pem = (tmp_path / "theirs.pem").read_text()
    public = theirs.public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    assert read_key(raw, SUBJECT).public == read_key(pem, SUBJECT).public == b64urlencode(public)


def as_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "A" * 43,  # nought is no key
        "A" * 44,
        "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----",
        as_pem(ec.generate_private_key(ec.SECP384R1())),
        as_pem(rsa.generate_private_key(65537, 2048)),
    ],
)
def test_what_is_no_key_on_p_256_is_refused_and_never_shown(text, tmp_path):
    with pytest.raises(SettingsFault, match="P-256") as fault:
        read_key(text, SUBJECT, tmp_path / "key")
    assert "secret" not in str(fault.value)


def test_a_file_is_made_once_for_its_owner_alone(tmp_path):
    file = tmp_path / "vapid.pem"
    first = made_once("key_file", file, new_key)
    assert made_once("key_file", file, new_key) == first == file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_of_many_who_make_a_file_one_wins_and_all_hold_its_key(tmp_path):
    file, held, together = tmp_path / "vapid.pem", [], threading.Barrier(8)

    def make():
        together.wait()
        return new_key()

    def hold():
        held.append(made_once("key_file", file, make))

    threads = [threading.Thread(target=hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(held) == {file.read_text().strip()}
    assert len(held) == 8
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_made_or_read_is_named(tmp_path):
    with pytest.raises(SettingsFault, match="cannot be made"):
        made_once("key_file", tmp_path / "no folder" / "key", new_key)
    with pytest.raises(SettingsFault, match="cannot be read"):
        read_secret("key_file", tmp_path / "none")
    with pytest.raises(SettingsFault, match="cannot be read"):
        made_once("key_file", tmp_path, new_key)


@pytest.mark.parametrize("held", [b"", b"\n\n", b"\xff\xfe", b"x" * 70_000])
def test_a_file_that_holds_no_secret_is_named_and_not_shown(tmp_path, held):
    file = tmp_path / "secret"
    file.write_bytes(held)
    with pytest.raises(SettingsFault, match="holds no secret"):
        read_secret("secret_file", file)
