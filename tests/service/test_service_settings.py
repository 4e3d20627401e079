"""The section of the service: what it takes, and what it says of what it does not."""

import pytest
from pydantic import ValidationError

from andante.settings.sections.service import SCOPES, Service, ServiceKey

DIGEST = "0" * 64
KEY = {"name": "shop", "sha256": DIGEST, "scopes": ["decisions"]}


def test_the_defaults_listen_on_this_machine_alone_without_keys_and_without_cors():
    plain = Service()
    assert (plain.host, plain.port, plain.keys, plain.cors_origins) == ("127.0.0.1", 8484, (), ())
    assert not plain.access_log


def test_keys_are_read_as_tables_and_written_as_they_were():
    kept = Service(keys=[KEY])
    assert kept.keys == (ServiceKey(**KEY | {"scopes": ("decisions",)}),)
    assert Service(**kept.model_dump(mode="json")) == kept


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("x", "is not a list of tables"),
        ([{"name": "shop"}], "holds at [0] no name, sha256 and scopes"),
        ([KEY | {"key": "andante_plain"}], "and nothing else"),
        ([KEY | {"name": "a b"}], "no usable name"),
        ([KEY | {"sha256": "short"}], "no SHA-256"),
        ([KEY | {"scopes": ["everything"]}], "no list of scopes"),
        ([KEY | {"scopes": []}], "no list of scopes"),
        ([KEY, KEY | {"sha256": "1" * 64}], "two keys of one name"),
        ([KEY, KEY | {"name": "other"}], "two keys of one sha256"),
    ],
)
def test_what_is_wrong_with_a_key_is_said(keys, said):
    with pytest.raises(ValidationError) as error:
        Service(keys=keys)
    (detail,) = error.value.errors()
    assert detail["loc"] == ("keys",)
    assert said in detail["msg"]


@pytest.mark.parametrize("origins", [["*"], ["https://shop.example/path"], "https://shop.example", [7]])
def test_an_origin_is_named_exactly(origins):
    with pytest.raises(ValidationError, match="is not a list of origins"):
        Service(cors_origins=origins)


def test_a_public_url_loses_its_last_slash():
    assert Service(public_url="https://push.shop.example/x/").public_url == "https://push.shop.example/x"


def test_every_setting_says_what_it_means_and_how_it_is_written():
    for field in Service.model_fields.values():
        assert field.description.endswith(".")
        assert {"clock", "counts"} <= set(field.json_schema_extra)
    assert len(SCOPES) == len(set(SCOPES))
