"""Templates say, choose and repeat; they reach nothing else, end, and are checked where somebody can mend them."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from liquid import Environment

from andante.channels.contract import Content
from andante.channels.template_sandbox import FILTERS, LOOPS_MAX, OUTPUT_BYTES_MAX, TAGS
from andante.channels.templates import FACTS, Templates
from andante.vocabulary.fault import InputFault

TEMPLATES = Templates()


def faults(**message):
    return [str(fault) for fault in TEMPLATES.faults({"title": "x"} | message)]


def rendered(source, **facts):
    return TEMPLATES.render({"title": "x", "body": source, "facts": facts}, {}).body


def test_a_message_is_filled_in_with_its_own_facts_its_item_and_the_push():
    message = {
        "title": "{{ item.name }} for {{ price | round: 2 }}",
        "body": "{% if category == 'promotion' %}Only today{% else %}Soon{% endif %}\n"
        "{% for one in sizes %}{{ one }} {% endfor %}",
        "form": "list",
        "url": "https://shop.example/{{ item_id | url_encode }}",
        "entries": [{"title": "{{ item.name }}", "body": "{{ nothing }}"}],
        "data": {"sku": "{{ item_id }}"},
        "facts": {"price": 9.9, "sizes": [38, 39]},
        "items": {"a b": {"name": "Red shoe"}},
    }
    assert TEMPLATES.render(message, {"item_id": "a b", "category": "promotion"}) == Content(
        title="Red shoe for 9.9",
        body="Only today\n38 39",
        form="list",
        url="https://shop.example/a+b",
        entries=({"title": "Red shoe"},),
        data={"sku": "a b"},
    )


def test_a_name_that_nobody_gives_is_a_fault_when_stored_and_empty_when_sent():
    message = {"title": "For {{ nmae }}you{{ item.price }}{{ now }}"}
    assert TEMPLATES.render(message, {}).title == "For you"
    assert [fault.problem.split("'")[1] for fault in TEMPLATES.faults(message)] == ["item.price", "nmae", "now"]


def test_every_fact_of_a_push_may_be_named():
    assert faults(body="".join(f"{{{{ {name} }}}}" for name in sorted(FACTS))) == []


def test_each_fault_is_told_with_its_field_and_line():
    assert faults(body="one\n{{ a }}\n\n{{ b | shout }}", url="https://x/{% if %}", facts={"b": 1}) == [
        "body, line 2: 'a' is nobody's fact: give it in \"facts\", or correct its name",
        "body, line 4: unknown filter 'shout'",
        "url, line 1: missing expression",
    ]


def test_an_item_must_have_what_a_template_names():
    assert faults(body="{{ item.name }}", items={"a": {"name": "A"}, "b": {}}) == [
        'body, line 1: \'item.name\' is nobody\'s fact: item "b" of "items" has none'
    ]


def test_all_faults_are_one_sentence_for_whoever_stores_the_message():
    with pytest.raises(InputFault) as fault:
        TEMPLATES.check({"title": "{{ a }}", "body": "{{ b }}"})
    assert "title, line 1" in str(fault.value)
    assert "body, line 1" in str(fault.value)
    TEMPLATES.check({"title": "{{ user_id }}"})


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"title": ""},
        {"title": "x", "colour": "red"},
        {"title": 7},
        {"title": "x", "form": "hologram"},
        {"title": "x", "entries": [{"title": 1}]},
        {"title": "x", "entries": ["y"]},
        {"title": "x", "entries": [{"title": "y"}] * 11},
        {"title": "x", "data": {"a": 1}},
        {"title": "x", "items": {"a": "b"}},
        {"title": "x", "facts": {"user_id": "eve"}},
        {"title": "x", "facts": {"item": {}}},
        {"title": "x", "body": "y" * 65_537},
    ],
)
def test_a_message_of_a_wrong_shape_is_a_fault_when_stored_and_when_sent(message):
    assert TEMPLATES.faults(message)
    with pytest.raises(InputFault):
        TEMPLATES.render(message, {})


def test_in_html_facts_are_escaped_and_in_text_they_are_not():
    message = {"title": "{{ name }}", "html": "<p>{{ name }}{{ '<i>' | append: name }}{{ name | newline_to_br }}</p>"}
    content = TEMPLATES.render(message | {"facts": {"name": "<b>&"}}, {})
    assert content.title == "<b>&"
    assert content.html == "<p>&lt;b&gt;&amp;<i>&lt;b&gt;&amp;&lt;b&gt;&amp;</p>"


@given(st.sampled_from(sorted(FILTERS)), st.text(max_size=20), st.text(max_size=20))
def test_no_filter_lets_a_fact_into_html_as_it_is(name, before, after):
    evil = f"{before}<script>{after}"
    for source in (f"{{{{ evil | {name} }}}}", f"{{{{ evil | {name}: evil }}}}", f"{{{{ '' | {name}: evil, evil }}}}"):
        try:
            html = TEMPLATES.render({"title": "x", "html": source, "facts": {"evil": evil}}, {}).html
        except InputFault:
            continue
        assert "<script" not in html.lower()


@pytest.mark.parametrize(
    "scheme",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "https://x y",
        "https://x\ty",
    ],
)
def test_an_address_that_could_run_or_break_is_refused_when_it_is_filled_in(scheme):
    with pytest.raises(InputFault, match="is no address"):
        TEMPLATES.render({"title": "x", "url": "{{ link }}", "facts": {"link": scheme}}, {})


def test_a_title_is_one_line_and_never_empty():
    assert TEMPLATES.render({"title": "a\r\nBcc: b"}, {}).title == "a Bcc: b"
    with pytest.raises(InputFault, match="title, line 1: is empty"):
        TEMPLATES.render({"title": "{{ nothing }}"}, {})


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{% extends 'x' %}",
        "{% layout 'x' %}",
        "{% liquid include 'x' %}",
        "{% increment a %}",
        "{% cycle 'a', 'b' %}",
        "{% tablerow a in b %}{% endtablerow %}",
        "{{ 'now' | date: '%Y' }}",
        "{{ x | safe }}",
        "{{ x | base64_decode }}",
        "{% for i in (1..5) %}{% endfor %}",
        "{% assign r = (1..99999999999) %}{{ r | join }}",
        "{% for i in (1..99999999999) limit: 1 offset: 99999999990 %}{% endfor %}",
        "{% if (1..9) contains 3 %}{% endif %}",
        "{{ 'a' | split: '' | join: (1..9) }}",
    ],
)
def test_what_reaches_outside_or_counts_is_refused(source):
    assert faults(body=source, facts={"x": "y", "b": []})
    with pytest.raises(InputFault):
        rendered(source, x="y", b=[])


@pytest.mark.parametrize(
    "source",
    [
        "{{ now }}",
        "{{ today }}",
        "{{ x.__class__ }}",
        "{{ x['__class__'] }}",
        "{{ item.__init__ }}",
        "{{ self }}",
        "{{ forloop }}",
    ],
)
def test_no_name_leads_to_the_clock_or_into_python(source):
    assert rendered(source, x="y") == ""


@pytest.mark.parametrize(
    "source",
    [
        "{% assign a = 'aaaaaaaa' %}{% for i in l %}{% assign a = a | append: a %}{% endfor %}{{ a }}",
        "{% for i in l %}{% for j in l %}{% for k in l %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% assign n = 9 %}{% for i in l %}{% assign n = n | times: n %}{% endfor %}{{ n }}",
        "{{ big | append: big }}",
        "{{ big | replace: 'a', big | replace: 'a', big | replace: 'a', big }}",
        "{{ big | split: '' | join: big | split: '' | join: big }}",
        "{% for i in l %}{{ big }}{{ big }}{% endfor %}",
        "{% capture a %}{% for i in l %}{{ big }}{% endfor %}{% endcapture %}{{ a }}",
        "{% if a %}" * 40 + "{% endif %}" * 40,
        "{{ a" + "[a" * 2_000 + "]" * 2_000 + " }}",
    ],
)
def test_a_template_that_grows_or_runs_on_is_stopped(source):
    began = time.monotonic()
    with pytest.raises(InputFault):
        rendered(source, l=list(range(150)), big="a" * 4_000)
    assert time.monotonic() - began < 5


def test_the_bounds_are_those_that_are_documented():
    assert rendered("{% for i in l %}x{% endfor %}", l=list(range(LOOPS_MAX))) == "x" * LOOPS_MAX
    with pytest.raises(InputFault):
        rendered("{% for i in l %}x{% endfor %}", l=list(range(LOOPS_MAX + 1)))
    assert len(rendered("{{ a }}" * 32, a="x" * 4_096)) == OUTPUT_BYTES_MAX
    with pytest.raises(InputFault):
        rendered("{{ a }}" * 33, a="x" * 4_096)


PIECES = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{%",
            "%}",
            "{{-",
            "-%}",
            "|",
            ":",
            ",",
            "..",
            "(",
            ")",
            "[",
            "]",
            "'",
            '"',
            " ",
            "\n",
            "a",
            "l",
            "big",
        ),
        *(
            "1",
            "-1",
            "99999999999",
            "0.5",
            "nil",
            "blank",
            "==",
            "and",
            "contains",
            "limit:",
            "offset:",
            "reversed",
            "\x00",
        ),
        *(
            f"{{% {tag} %}}"
            for tag in sorted({*Environment().tags, "endif", "endfor", "else", "endcase", "when", "endraw"})
        ),
        *(f" | {name}: " for name in sorted(Environment().filters)),
    ]
)


@settings(max_examples=300, deadline=2_000)
@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
@example("{{ 1 | modulo: 0 }}{{ 1 | divided_by: 0 }}")
@example("{{ l | sort: big }}{{ l | concat: l | uniq | sum }}")
def test_whatever_is_written_is_filled_in_or_refused_and_what_passes_the_check_can_be_filled_in(source):
    facts = {"a": "1", "l": [1, "b", {"c": 2}], "big": "a" * 4_000}
    message = {"title": "x", "body": source, "html": source, "facts": facts}
    found = TEMPLATES.faults(message)
    try:
        content = TEMPLATES.render(message, {})
    except InputFault:
        return
    assert len(content.body.encode()) <= OUTPUT_BYTES_MAX
    assert all(fault.line >= 1 for fault in found)


def test_the_lists_of_tags_and_filters_name_what_there_is():
    environment = Environment()
    assert not FILTERS - environment.filters.keys()
    assert not TAGS - {"raw"} - environment.tags.keys()
