"""The kill switch under load: whoever asks after its page has answered is sent nothing, over HTTP too."""

import http.client
import json
import threading
import time
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import walking
from walking import ENGLISH, USERS, visiting

ASKING = 6
"""So many callers ask at once, each over one line that it keeps."""

WARM = 50
"""Pushes that go out before the switch is thrown, so that there is something to stop."""


class Asked(NamedTuple):
    """A decision, and when it was asked for and answered, by the machine's steady clock."""

    at_s: float
    answered_s: float
    action: str


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with walking.living(tmp_path_factory.mktemp("walks")) as town:
        yield town


def ask(town, number, stop, said):
    """Ask for what a shopper waits for, again and again over one line."""
    line = http.client.HTTPConnection(urlsplit(town.url).netloc, timeout=60)
    headers = {"content-type": "application/json"}
    count = 0
    while not stop.is_set():
        count += 1
        candidate = {
            "candidate_id": f"c{count}",
            "category": "receipt",
            "channel": "email",
            "item_id": f"{number}-{count}",
        }
        body = json.dumps({"user_id": USERS[3 * number], "candidates": [candidate]})
        at_s = time.monotonic()
        line.request("POST", "/v1/decisions", body, headers)
        answer = json.loads(line.getresponse().read())
        said.append(Asked(at_s, time.monotonic(), answer["action"]))
    line.close()


def test_nothing_that_is_asked_after_the_page_has_answered_is_sent(browser, town, record_property):
    stop, said = threading.Event(), [[] for _ in range(ASKING)]
    callers = [threading.Thread(target=ask, args=(town, number, stop, said[number])) for number in range(ASKING)]
    with visiting(browser, town, ENGLISH) as visitor:
        page = visitor.sits_down()
        visitor.opens(page, "/dashboard/switch?scope=global&state=on")
        for caller in callers:
            caller.start()
        try:
            while sum(map(len, said)) < WARM:
                page.wait_for_timeout(20)
            clicked_s = time.monotonic()
            with page.expect_response("**/dashboard/switch"):
                page.get_by_role("button", name=visitor.says("switch.do_on")).click(no_wait_after=True)
            answered_s = time.monotonic()
            after = sum(map(len, said)) + WARM
            while sum(map(len, said)) < after:
                page.wait_for_timeout(20)
        finally:
            stop.set()
            for caller in callers:
                caller.join(60)
        town.engine.switch("global", on=False)
    asked = [one for each in said for one in each]
    sent = [one for one in asked if one.action == "send"]
    late = [one for one in asked if one.at_s > answered_s]
    assert len(sent) > WARM / 2
    assert len(late) > WARM / 2
    assert {one.action for one in late} == {"suppress"}
    record_property("answered_after_s", round(answered_s - clicked_s, 3))
    record_property("last_send_after_click_s", round(max(one.answered_s for one in sent) - clicked_s, 3))
    record_property("decisions", len(asked))
