"""Any configuration that could be written, drawn from what the settings say of themselves."""

import re
from datetime import timedelta

from hypothesis import strategies as st

from andante.settings.sections import Settings, iso_duration
from andante.settings.sections.values import parse_duration

ZONES = ("UTC", "Asia/Shanghai", "Pacific/Chatham", "Africa/Casablanca")
CHANNELS = ("push", "email", "huawei", "xiaomi")
CATEGORIES = ("promotion", "news", "order update", "促销")

_SPAN = re.compile(r"an ISO-8601 duration from (\S+) to (\S+)")
_LIST = re.compile(r"a list of (\d+)(?: to (\d+))? numbers from 0 to (\d+)")


def trees():
    """Return a strategy for configurations. Their values are right one by one; together they may contradict."""
    schemas = Settings.model_json_schema()["$defs"]
    many = {
        "caps": st.lists(_caps(schemas), max_size=6),
        "categories": st.dictionaries(st.sampled_from(CATEGORIES), _table(schemas["Category"], schemas), max_size=4),
        "vendor_quotas": st.dictionaries(
            st.sampled_from(CHANNELS), _table(schemas["VendorQuota"], schemas), max_size=4
        ),
        "quiet_hours": _table(schemas["QuietHours"], schemas),
    }
    sections = {
        "consent": "Consent",
        "budget": "Budget",
        "gap": "Gap",
        "duplicates": "Duplicates",
        "users": "Users",
        "pacing": "Pacing",
        "learning": "Learning",
        "experiment": "Experiment",
        "engine": "EngineSettings",
        "log": "Log",
    }
    single = {section: _table(schemas[name], schemas) for section, name in sections.items()}
    return st.fixed_dictionaries({}, optional=many | single).map(_reconciled)


def _reconciled(tree):
    """Put paces in order, so that few configurations are refused as a whole."""
    pacing = tree.get("pacing", {})
    given = {"least_per_week": 0.0, "default_per_week": 1.0, "most_per_week": 14.0} | pacing
    least, default, most = sorted(given[f"{name}_per_week"] for name in ("least", "default", "most"))
    if most >= 0.01:
        tree["pacing"] = pacing | {"least_per_week": least, "default_per_week": default, "most_per_week": most}
    return tree


def _table(schema, schemas):
    """Return a strategy for a table, of which every key that may be absent sometimes is."""
    values = {name: _value(part, schemas) for name, part in schema["properties"].items()}
    required = schema.get("required", ())
    return st.fixed_dictionaries(
        {name: values[name] for name in required},
        optional={name: value for name, value in values.items() if name not in required},
    )


def _caps(schemas):
    scopes = ["global", *(f"channel:{name}" for name in CHANNELS), *(f"category:{name}" for name in CATEGORIES)]
    cap = schemas["Cap"]["properties"]
    return st.fixed_dictionaries(
        {"scope": st.sampled_from(scopes), **{name: _value(cap[name], schemas) for name in ("limit", "window")}}
    )


def _value(schema, schemas):
    """Return a strategy for one value, from its form or its type."""
    if "$ref" in schema:
        return _table(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        kind = next(kind for kind in schema["anyOf"] if kind["type"] != "null")
        return _value({key: part for key, part in schema.items() if key != "anyOf"} | kind, schemas)
    written = _written(schema.get("form", ""))
    if written is not None:
        return written
    return st.sampled_from(schema["enum"]) if "enum" in schema else _number(schema)


def _written(form):
    """Return a strategy for what is written in a form of its own, or None for plain values."""
    if span := _SPAN.match(form):
        least, most = (parse_duration(text) // timedelta(seconds=1) for text in span.groups())
        return st.integers(least, most).map(lambda seconds: iso_duration(timedelta(seconds=seconds)))
    if listed := _LIST.match(form):
        fewest, most, largest = listed.groups()
        return st.lists(st.floats(0, float(largest)), min_size=int(fewest), max_size=int(most or fewest))
    if form.startswith("a time of day"):
        return st.times().map(lambda clock: clock.strftime("%H:%M"))
    if form.startswith("an IANA"):
        return st.sampled_from(ZONES)
    return None


def _number(schema):
    if schema["type"] == "boolean":
        return st.booleans()
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if schema["type"] == "integer":
        return st.integers(least, most)
    return st.floats(
        least,
        most,
        exclude_min="exclusiveMinimum" in schema,
        exclude_max="exclusiveMaximum" in schema,
        allow_nan=False,
        allow_infinity=False,
    )
