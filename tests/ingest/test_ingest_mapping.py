from datetime import datetime

import pytest

from andante.ingest.mapping import Mapping
from andante.vocabulary.fault import InputFault, MissingColumn, SettingsFault

OWN = {
    "columns": {"user_id": "uid", "at": "ts", "type": "action", "item_id": ["sku", "article"]},
    "types": {"1": "view", "4": "purchase", "Kauf": "purchase"},
}


def test_a_mapping_reads_a_shape_of_its_own(desk):
    path = desk.file(
        "a.csv",
        "uid,ts,action,sku,article\nu1,2024-01-01,1,,a9\nu2,2024-01-01,KAUF,s1,a1\nu3,2024-01-01,7,,\n",
    )
    quality = desk.events(path, mapping=OWN)
    assert desk.rows("user_id, type, item_id") == [("u1", "view", "a9"), ("u2", "purchase", "s1")]
    assert desk.quarantined() == [(4, "action", "unknown type")]
    assert quality.sources[0].shape == "mapping"


def test_a_mapping_reads_json_by_its_paths(desk):
    line = '{"who":{"id":"u1"},"when":1704103200,"what":"view","a.b":"dotted"}\n'
    mapping = {"columns": {"user_id": "who.id", "at": "when", "type": "what", "query": "a.b"}}
    desk.events(desk.file("a.ndjson", line), mapping=mapping)
    assert desk.rows("user_id, at, query") == [("u1", datetime(2024, 1, 1, 10), "dotted")]  # noqa: DTZ001


def test_one_type_can_be_stated_for_every_row_and_value_as_a_product(desk):
    mapping = {
        "columns": {"user_id": "uid", "at": "day"},
        "type": "purchase",
        "value": {"quantity": "qty", "price": "unit"},
        "delimiter": ";",
        "decimal": ",",
        "time_format": "%d.%m.%Y %H:%M",
        "time_zone": "Europe/Berlin",
    }
    path = desk.file("a.csv", "uid;day;qty;unit\nu1;01.07.2023 12:00;2;1.250,50\n")
    desk.events(path, mapping=mapping)
    assert desk.rows("user_id, type, at, value") == [("u1", "purchase", datetime(2023, 7, 1, 10), 2501.0)]  # noqa: DTZ001


def test_a_headerless_file_is_read_by_the_names_in_the_mapping(desk):
    mapping = {
        "header": ["uid", "ts", "action"],
        **OWN,
        "columns": {"user_id": "uid", "at": "ts", "type": "action"},
    }
    desk.events(desk.file("a.csv", "u1,2024-01-01,1\nu2,2024-01-01,4\n"), mapping=mapping)
    assert desk.rows("user_id, type") == [("u1", "view"), ("u2", "purchase")]


def test_gb18030_is_transcoded_and_what_it_cannot_explain_is_quarantined(desk):
    content = (
        "user_id,type,at,query\nu1,search,2024-01-01,红色的鞋子\n".encode("gb18030")
        + b"u2,search,2024-01-01,\xff\xff\n"
    )
    desk.events(desk.file("a.csv", content), mapping={"encoding": "gb18030"})
    assert desk.rows("user_id, query") == [("u1", "红色的鞋子")]
    assert desk.quarantined() == [(3, "", "invalid encoding")]


def test_a_column_that_the_mapping_names_and_the_file_lacks_is_a_fault(desk):
    with pytest.raises(MissingColumn, match="has no column ts, which the shape mapping needs"):
        desk.events(desk.file("a.csv", "uid,action,when\nu1,1,2024\n"), mapping=OWN)


def test_names_and_words_are_quoted_wherever_they_come_from(desk):
    name = 'it\'s "odd"; DROP TABLE events; --'
    header = '"' + name.replace('"', '""') + '",type,at\n'
    mapping = {"columns": {"user_id": name, "at": "at", "type": "type"}, "types": {"a'b": "view"}}
    desk.events(desk.file("o'dd [1]*.csv", header + "u1,a'b,2024-01-01\n"), mapping=mapping)
    assert desk.rows("user_id, type") == [("u1", "view")]


def test_the_same_odd_names_are_quoted_in_parquet_and_json(desk):
    name = 'it\'s "odd"/~x'
    mapping = {"columns": {"user_id": name, "at": "at", "type": "type"}}
    parquet = desk.folder / "o'dd.parquet"
    quoted = '"' + name.replace('"', '""') + '"'
    target = str(parquet).replace("'", "''")
    desk.connection.execute(
        f"""COPY (SELECT 'u1' AS {quoted}, 'view' AS type, DATE '2024-01-01' AS "at"
            UNION ALL SELECT '', 'view', NULL) TO '{target}'"""
    )
    line = '{"it\'s \\"odd\\"/~x":"u1","type":"view","at":"2024-01-01"}\n'
    desk.events(parquet, desk.file("a.ndjson", line), mapping=mapping)
    assert desk.rows("user_id, type") == [("u1", "view"), ("u1", "view")]
    assert desk.quarantined() == [(2, name, "missing user")]


def test_a_mapping_of_messages_needs_the_decision(desk):
    path = desk.file("m.csv", "push,uid,ts,what\nd1,u1,2024-01-01,sent\n")
    mapping = {"columns": {"user_id": "uid", "at": "ts", "type": "what"}}
    with pytest.raises(SettingsFault, match=r"columns\.decision_id' is missing"):
        desk.messages(path, mapping=mapping)
    mapping["columns"]["decision_id"] = "push"
    desk.messages(path, mapping=mapping)
    assert desk.rows("decision_id, user_id, type", "messages") == [("d1", "u1", "sent")]


def test_a_mapping_is_read_from_toml(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text('year = 2014\ntime_zone = "Asia/Shanghai"\n[columns]\nuser_id = "u"\nat = "t"\ntype = "k"\n')
    mapping = Mapping.read(path)
    assert (mapping.year, mapping.columns["user_id"]) == (2014, ("u",))


@pytest.mark.parametrize("content", [b"year = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_a_fault(tmp_path, content):
    path = tmp_path / "map.toml"
    path.write_bytes(content)
    with pytest.raises(InputFault, match="is not TOML"):
        Mapping.read(path)


def test_a_mapping_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(InputFault, match="cannot be read"):
        Mapping.read(tmp_path / "map.toml")


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"colums": {}}, "'colums' is unknown: use one of columns"),
        ({"columns": {"user": "u"}}, r"'columns' \(user\) is not known"),
        ({"columns": {"user_id": "u"}}, "'columns.at' is missing"),
        ({"columns": {"user_id": "u", "at": "t"}}, "'type' must be stated once"),
        ({"columns": {"user_id": "u", "at": "t", "type": "k"}, "type": "view"}, "must be stated once"),
        ({"columns": {"user_id": [], "at": "t"}}, "names no column"),
        ({"columns": {"user_id": 3, "at": "t"}}, "names no column"),
        ({"columns": "user_id"}, "is not a table"),
        ({"types": {"1": "view"}}, "'types' needs"),
        (
            {"columns": {"user_id": "u", "at": "t", "type": "k"}, "types": {"1": "look"}},
            r"'types.1' \(look\)",
        ),
        (
            {"columns": {"user_id": "u", "at": "t"}, "type": "view", "value": {"price": "p"}},
            "is not a product",
        ),
        (
            {
                "columns": {"user_id": "u", "at": "t", "value": "v"},
                "type": "view",
                "value": {"price": "p", "quantity": "q"},
            },
            "stands beside",
        ),
        ({"time_unit": "h"}, "'time_unit'"),
        ({"time_zone": "Mars"}, "is no IANA zone"),
        ({"time_format": ""}, "is not text"),
        ({"year": "2014"}, "is no year"),
        ({"year": True}, "is no year"),
        ({"delimiter": "::"}, "is not one plain character"),
        ({"decimal": ";"}, "'decimal'"),
        ({"encoding": "klingon"}, "is not known"),
        ({"encoding": "base64"}, "is no encoding of text"),
        ({"header": []}, "names no column"),
    ],
)
def test_what_a_mapping_says_wrongly_is_a_fault_that_names_the_key(stated, message):
    with pytest.raises(SettingsFault, match=message):
        Mapping.parse(stated)
