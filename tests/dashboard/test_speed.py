"""The speed of a demonstration: operators set it on the page "Now", and it is written down who did."""

import re
from dataclasses import replace

import pytest
from dashboard_desk import AT, act, answering, opened, sign_in

from andante.demonstration.clock import DemoClock
from andante.live.instants import micros

PAGE, SPEED = "/dashboard/", "/dashboard/speed"


@pytest.fixture
def demo(tmp_path):
    clock = DemoClock(micros(AT), 3600.0)
    with opened(tmp_path, clock=clock, demo=True) as console:
        made = replace(console, pace=clock.run_at, speed=lambda: clock.speed)
        with answering(made) as client:
            yield made, client, clock


def entries(console):
    return [(one.who, one.detail, one.refused) for one in console.books.audit.entries(action="demo.speed")]


def chosen(client):
    return re.findall(r'<option value="([\d.]+)" selected>', client.get(PAGE).text)


@pytest.mark.parametrize("speed", ["0", "60", "3600", "14400"])
def test_an_operator_sets_each_speed_that_is_offered_and_it_is_written_down(demo, speed):
    console, client, clock = demo
    sign_in(client)
    assert f'<option value="{speed}"' in client.get(PAGE).text
    answer = act(client, PAGE, SPEED, speed=speed)
    assert (answer.status_code, answer.url.path) == (200, PAGE)
    assert clock.speed == float(speed)
    assert chosen(client) == [speed]
    assert entries(console) == [("Mia", {"speed": float(speed)}, None)]
    assert "set the demonstration" in client.get("/dashboard/audit").text


def test_a_speed_that_is_none_of_the_offered_ones_is_shown_as_it_is(demo):
    _, client, clock = demo
    clock.run_at(600.0)
    sign_in(client)
    assert "600 seconds a second" in client.get(PAGE).text
    assert chosen(client) == ["600.0"]


@pytest.mark.parametrize("speed", ["-1", "14401", "nan", "inf", "fast", ""])
def test_a_speed_that_cannot_be_is_refused_and_changes_nothing(demo, speed):
    console, client, clock = demo
    sign_in(client)
    assert act(client, PAGE, SPEED, speed=speed).status_code == 422
    assert clock.speed == 3600.0
    assert console.books.audit.verify() is None


def test_nobody_who_is_not_signed_in_and_no_form_of_another_page_sets_it(demo):
    console, client, clock = demo
    assert "Sign in to set" in client.get(PAGE).text
    assert "sign-in" in str(client.post(SPEED, data={"speed": "0"}).url)
    sign_in(client)
    assert client.post(SPEED, data={"speed": "0", "form_token": "forged"}).status_code == 403
    assert clock.speed == 3600.0
    assert entries(console) == []


@pytest.mark.parametrize("simulated", [True, False])
def test_where_there_is_no_time_to_set_nothing_is_said_of_it(tmp_path, simulated):
    with opened(tmp_path, demo=simulated) as console, answering(console) as client:
        sign_in(client)
        page = client.get(PAGE)
        assert page.status_code == 200
        assert SPEED not in page.text
        assert act(client, "/dashboard/switch", SPEED, speed="0").status_code in {404, 405}
