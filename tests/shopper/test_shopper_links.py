"""A link opens one shopper's own page for a while, and nothing else opens it."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from shopper_desk import opened

from andante.delivery.rendering import Writer
from andante.service.delivering import _links
from andante.service.journal import LOGGER
from andante.service.keys import new_key
from andante.service.problem import Problem
from andante.service.tokens import Leaving, Person, Tokens, person_of

SECRET = "a secret of the tests alone"  # noqa: S105
ACTIONS = ["frequency", "hours", "choices", "pause", "resume", "push", "complaint", "erase"]


def forged(shop):
    """Return links that must open nothing, by what is wrong with them."""
    token = shop.link().rpartition("/")[2]
    body, stamp, signature = token.split(".")
    person = shop.persons.person("ann")
    outdated = Tokens(SECRET, timedelta(days=1), preference_link_life=timedelta(seconds=-2))
    return {
        "nothing": "x",
        "truncated": token[:-4],
        "longer": token + "A" * 4,
        "over-long": "A" * 9_000,
        "another body": ".".join((body[:-2] + "AA", stamp, signature)),
        "another time": f"{body}.zzzzzz.{signature}",
        "unsigned": f"{body}.{stamp}.",
        "another secret": Tokens("another", timedelta(days=1)).preferences(person),
        "an unsubscribe token": shop.tokens.unsubscribe(Leaving("ann", "push", "d-1-0")),
        "an outcome token": shop.tokens.outcome("d-1-0"),
        "a form token": shop.tokens.form(token, "frequency "),
        "a user nobody knows": shop.tokens.preferences(Person(person.log, 10**6)),
        "a number too large": shop.tokens.preferences(Person(person.log, 2**70)),
        "a number below 0": shop.tokens.preferences(Person(person.log, -1)),
        "another log": shop.tokens.preferences(Person("abcdef", person.number)),
        "no person": shop.tokens._preferences.dumps({"user": "ann"}),
        "over": outdated.preferences(person),
    }


def test_what_was_not_made_here_or_is_damaged_opens_nothing_and_is_answered_alike(shop):
    pages = set()
    for wrong, token in forged(shop).items():
        if wrong == "over":
            continue
        for path in ("", "/export", "/erase", "/frequency"):
            answer = shop.client.get(f"/p/{token}{path}")
            assert answer.status_code == 404, (wrong, path)
            pages.add(answer.text.replace(f"/p/{token}{path}", "").replace("&#", ""))
        for action in ACTIONS:
            form = {"form_token": shop.tokens.form(token, f"{action} "), "dial": "none", "sure": "yes", "text": "x"}
            assert shop.client.post(f"/p/{token}/{action}", data=form).status_code == 404, (wrong, action)
    assert len(pages) == 1, "nobody learns from the answer what is wrong, or who is known"
    assert shop.engine.user("ann").max_per_week is None


def test_an_old_link_opens_nothing(shop):
    over = Tokens(SECRET, timedelta(days=1), preference_link_life=timedelta(seconds=-2))
    with pytest.raises(Problem) as told:
        over.preferences_of(shop.link().rpartition("/")[2])
    assert told.value.status == 404


def test_a_link_is_as_old_as_the_configuration_lets_it(tmp_path):
    with opened(tmp_path / "shop.db", preference_link_life="PT2H") as shop:
        shop.consents()
        told = shop.client.post("/v1/users/ann/preference-link").json()
        left = datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)
        assert timedelta(hours=1, minutes=59) < left <= timedelta(hours=2)
        assert shop.client.get(told["url"]).status_code == 200


def test_a_shop_asks_for_a_link_and_needs_the_scope_for_it(tmp_path):
    key, reading = new_key(), new_key()
    keys = [
        {"name": "writer", "sha256": key.sha256, "scopes": ["users.write"]},
        {"name": "reader", "sha256": reading.sha256, "scopes": ["users.read"]},
    ]
    with opened(tmp_path / "shop.db", keys=keys, public_url="https://push.shop.example") as shop:
        shop.consents()
        headers = {"authorization": f"Bearer {key.key}"}
        told = shop.client.post("/v1/users/ann/preference-link", headers=headers).json()
        assert told["url"].startswith("https://push.shop.example/p/")
        path = told["url"].removeprefix("https://push.shop.example")
        assert shop.client.get(path).status_code == 200, "the link itself needs no key"
        assert shop.client.post("/v1/users/nobody/preference-link", headers=headers).status_code == 404
        weak = {"authorization": f"Bearer {reading.key}"}
        assert shop.client.post("/v1/users/ann/preference-link", headers=weak).status_code == 403


def test_a_link_names_nobody(shop):
    shop.consents("canary-of-ann")
    assert "canary" not in repr(shop.tokens.preferences_of(shop.link("canary-of-ann").rpartition("/")[2]))


def test_looking_changes_nothing(shop):
    shop.asks()
    link, position = shop.link(), shop.engine.position
    for path in ("", "?said=frequency", "/export", "/erase", *(f"/{action}" for action in ACTIONS)):
        shop.client.get(f"{link}{path}")
        shop.client.head(f"{link}{path}")
    assert shop.engine.position == position


@pytest.mark.parametrize("action", ACTIONS)
def test_a_form_of_another_page_or_another_action_does_nothing(shop, action):
    shop.consents("bob")
    decision = shop.asks().decision_id
    link, other = shop.link(), shop.link("bob")
    bound = decision if action == "push" else ""
    wrong = "resume" if action == "pause" else "pause"
    position = shop.engine.position
    for token in (
        "",
        "x",
        shop.tokens.form(other.rpartition("/")[2], f"{action} {bound}"),
        shop.tokens.form(link.rpartition("/")[2], f"{wrong} {bound}"),
    ):
        answer = shop.act(link, action, {"dial": "none", "sure": "yes", "text": "x"}, decision=bound, token=token)
        assert answer.status_code == 403
    assert shop.engine.position == position
    assert shop.books.complaints.of_user("ann") == []


def test_the_push_of_somebody_else_cannot_be_refused(shop):
    shop.consents("bob")
    of_bob = shop.asks("bob").decision_id
    position = shop.engine.position
    assert shop.act(shop.link(), "push", decision=of_bob).status_code == 303
    assert shop.engine.position == position


def test_what_holds_a_link_is_kept_nowhere_and_read_by_no_machine(shop):
    link = shop.link()
    for answer in (shop.client.get(link), shop.client.get(f"{link}/export"), shop.client.get("/p/x")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_link_is_in_no_log(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG), opened(tmp_path / "shop.db", access_log=True) as shop:
        logging.getLogger(LOGGER).propagate = True
        shop.consents()
        link = shop.link()
        shop.page(link)
        shop.done(link, "pause")
        shop.client.get("/p/forged-link")
        shop.persons.user_of = None  # a fault of our own, which is noted
        assert shop.client.get(link).status_code == 500
        del shop.persons.user_of
        ours = [record for record in caplog.records if record.name.startswith(("andante", "uvicorn"))]
        said = " ".join(f"{record.getMessage()} {record.__dict__.get('fields')}" for record in ours)
    assert "fault of our own" in said
    assert link.rpartition("/")[2] not in said
    assert "forged-link" not in said


def test_guessing_links_is_slowed_down(tmp_path):
    with opened(tmp_path / "shop.db", page_calls_per_minute=3) as shop:
        tried = [shop.client.get(f"/p/guess{number}").status_code for number in range(5)]
        assert tried == [404] * 3 + [429] * 2


def test_pushes_carry_the_link_for_templates(shop):
    public = Tokens(SECRET, timedelta(days=1), "https://push.shop.example")
    decision = shop.asks()
    (send,) = shop.engine.sends().sends

    class Renderer:
        def render(self, _message, facts):
            self.facts = facts

    renderer = Renderer()
    writer = Writer(shop.outbox.messages, renderer, lambda one: _links(public, one))
    shop.outbox.messages.put("campaign", "sale_1", {"title": "x"}, 1)
    writer._content(shop.outbox.messages.of(send.candidate), send, send.candidate, _links(public, send))
    path = renderer.facts["preferences_url"].removeprefix("https://push.shop.example")
    assert person_of(decision.decision_id) == shop.persons.person("ann")
    assert "How often" in shop.page(path)


def test_after_an_erasure_the_same_id_is_somebody_else(shop):
    old = shop.link()
    shop.persons.erase("ann")
    assert shop.client.get(old).status_code == 404
    shop.consents()
    assert shop.client.get(old).status_code == 404, "the link of the old person opens nothing of the new one"
    assert shop.act(old, "frequency", {"dial": "none"}).status_code == 404
    assert shop.engine.user("ann").max_per_week is None
    assert shop.client.get(shop.link()).status_code == 200
