"""A push is with its user when the feed has stored it."""

import asyncio

import pytest
from channel_peers import a_push, an_address
from msgspec.structs import replace

from andante.channels.catalogue import Means
from andante.channels.contract import FORMS, Content, Status
from andante.channels.in_app import InApp, in_app
from andante.settings.sections.channels import InAppOptions
from andante.vocabulary.fault import SettingsFault, StoreBusy, StoreFull


class Shelf:
    """A feed in memory: what a second put of the same push stores is nothing."""

    def __init__(self, fault=None):
        self.fault, self.held = fault, {}

    async def put(self, push):
        if self.fault is not None:
            raise self.fault
        self.held.setdefault(push.decision_id, push)
        return str(list(self.held).index(push.decision_id) + 1)


def sent(feed, push, now_s=0.0):
    channel = InApp(feed, now_s=lambda: now_s)
    return asyncio.run(channel.send(push, an_address("in_app", {})))


@pytest.mark.parametrize("form", FORMS)
def test_a_push_of_every_form_is_accepted_when_it_is_stored(form):
    feed, push = Shelf(), a_push(content=Content(title="t", form=form))
    answer = sent(feed, replace(push, content=replace(push.content, html="<p>for e-mail</p>")))
    assert (answer.status, answer.provider_id) == (Status.ACCEPTED, "1")
    assert feed.held == {"d-1": push}
    assert sent(feed, push) == answer, "again, and it is there once"


@pytest.mark.parametrize("kind", [StoreBusy, StoreFull])
def test_a_feed_that_stored_nothing_may_be_asked_again(kind):
    answer = sent(Shelf(kind("feed", None, "is full", "make room")), a_push())
    assert (answer.status, answer.code) == (Status.BUSY, kind.__name__)


@pytest.mark.parametrize(
    ("push", "status"),
    [(a_push(expires_s=9), Status.REFUSED), (a_push(content=Content(title="t", form="smell")), Status.UNABLE)],
)
def test_what_nobody_could_read_is_not_stored(push, status):
    feed = Shelf()
    assert sent(feed, push, now_s=9).status is status
    assert feed.held == {}


def test_the_channel_needs_no_addresses_and_the_feed_of_a_service():
    options, feed = InAppOptions(provider="in_app"), Shelf()
    channel = in_app(options, Means(secret=lambda _name, make: make(), feed=feed))
    assert channel.of_users
    asyncio.run(channel.close())
    with pytest.raises(SettingsFault, match="andante serve"):
        in_app(options, Means(secret=lambda _name, make: make()))
