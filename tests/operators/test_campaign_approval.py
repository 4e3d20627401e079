"""Two people for what is large: who submitted or last edited a campaign never approves it, by any order of calls."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from books_desk import SPRING, approved, books
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from andante.operators.campaign import Audience, Campaign
from andante.vocabulary.fault import Conflict, Fault, InputFault

ABOVE = 10
PEOPLE = ["ann", "Ann ", "bea", "ｂｅａ", "cy"]  # three people, two of them in two spellings
PERSON = {"ann": "ann", "Ann ": "ann", "bea": "bea", "ｂｅａ": "bea", "cy": "cy"}
who, reaches = st.sampled_from(PEOPLE), st.sampled_from([0, ABOVE, ABOVE + 1, 10_000])


class Approval(RuleBasedStateMachine):
    """One campaign in the books, beside a model of who did what to it since it was last written."""

    def __init__(self):
        super().__init__()
        self.opened = ExitStack()
        self.books = self.opened.enter_context(books(approval_above=ABOVE))
        self.campaigns = self.books.campaigns
        self.id = self.campaigns.create("cy", SPRING).campaign_id
        self.state, self.editor, self.submitter, self.approver = "draft", "cy", None, None
        self.large = self.launched = False
        self.tried, self.version = 1, 0

    def teardown(self):
        self.opened.close()

    def ask(self, allowed, call, *given):
        """Make a call that the model allows or not; the books have to agree."""
        self.tried += 1
        try:
            call(given[0], self.id, *given[1:])
        except Fault:
            assert not allowed
            return False
        assert allowed
        return True

    @rule(who=who)
    def edit(self, who):
        allowed = self.state in {"draft", "awaiting_approval", "approved"} and not self.launched
        if self.ask(allowed, self.campaigns.edit, who, {**SPRING, "name": f"Spring {self.version}"}):
            self.state, self.editor, self.submitter, self.approver, self.large = "draft", PERSON[who], None, None, False
            self.version += 1

    @rule(who=who, reach=reaches)
    def submit(self, who, reach):
        if self.ask(self.state in {"draft", "stopped"}, self.campaigns.submit, who, reach):
            self.large = reach > ABOVE
            self.submitter, self.approver = PERSON[who], None
            self.state = "awaiting_approval" if self.large else "approved"

    @rule(who=who)
    def approve(self, who):
        allowed = self.state == "awaiting_approval" and PERSON[who] not in {self.submitter, self.editor}
        if self.ask(allowed, self.campaigns.approve, who):
            self.state, self.approver = "approved", PERSON[who]

    @rule(who=who)
    def reject(self, who):
        if self.ask(self.state in {"awaiting_approval", "approved"}, self.campaigns.reject, who, "not now"):
            self.state = "stopped" if self.launched else "draft"
            self.submitter = self.approver = None

    @rule(who=who)
    def start(self, who):
        if self.ask(self.state == "approved", self.campaigns.start, who):
            self.state, self.launched = "running", True

    @rule(who=who)
    def stop(self, who):
        if self.ask(self.state == "running", self.campaigns.stop, who, "enough"):
            self.state = "stopped"

    @precondition(lambda self: self.state == "running")
    @rule()
    def finish(self):
        self.campaigns.end("andante", self.id)
        self.tried += 1
        self.state = "done"

    @invariant()
    def the_books_say_what_the_model_says(self):
        filed = self.campaigns.of(self.id)
        assert filed.state == self.state
        if filed.state == "running" and filed.is_large:
            assert filed.approved_by is not None
        if filed.approved_by is not None:
            assert PERSON_OF(filed.approved_by) == self.approver
            assert PERSON_OF(filed.approved_by) not in {PERSON_OF(filed.submitted_by), PERSON_OF(filed.edited_by)}
        assert (filed.approved_by is None) == (self.approver is None)

    @invariant()
    def every_call_is_in_the_audit_once_done_or_refused(self):
        assert self.books.audit.head.entries == self.tried
        assert self.books.audit.verify() is None


def PERSON_OF(name):  # noqa: N802  reads as a table
    return PERSON[name] if name in PERSON else PERSON[f"{name} "]


Approval.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestApproval = Approval.TestCase


@pytest.fixture
def opened():
    with books(approval_above=ABOVE) as one:
        yield one


def test_a_large_campaign_cannot_start_unapproved_and_a_refusal_is_taken_down(opened):
    filed = opened.campaigns.create("ann", SPRING)
    opened.campaigns.submit("ann", filed.campaign_id, ABOVE + 1)
    with pytest.raises(Conflict, match="is awaiting approval"):
        opened.campaigns.start("ann", filed.campaign_id)
    with pytest.raises(InputFault, match="was submitted by you"):
        opened.campaigns.approve("ann", filed.campaign_id)
    last = opened.audit.entries()[0]
    assert (last.who, last.action, last.subject) == ("ann", "campaign.approve", filed.campaign_id)
    assert last.refused == "campaign was submitted by you"
    opened.campaigns.approve("bea", filed.campaign_id)
    assert opened.campaigns.start("ann", filed.campaign_id).state == "running"


def test_an_edit_after_approval_voids_it(opened):
    campaign_id = approved(opened, reach=ABOVE + 1)
    edited = opened.campaigns.edit("cy", campaign_id, {**SPRING, "category": "news"})
    assert (edited.state, edited.approved_by, edited.reach) == ("draft", None, None)
    with pytest.raises(Conflict, match="is draft"):
        opened.campaigns.start("ann", campaign_id)
    opened.campaigns.submit("ann", campaign_id, ABOVE + 1)
    with pytest.raises(InputFault, match="was last edited by you"):
        opened.campaigns.approve("cy", campaign_id)


def test_a_small_campaign_needs_one_person_and_a_larger_one_two(opened):
    small, large = (opened.campaigns.create("ann", SPRING).campaign_id for _ in range(2))
    assert opened.campaigns.submit("ann", small, ABOVE).state == "approved"
    assert opened.campaigns.submit("ann", large, ABOVE + 1).state == "awaiting_approval"


@pytest.mark.parametrize("reach", [-1, 1.5, True, None, "3"])
def test_a_reach_that_is_no_number_of_users_is_refused(opened, reach):
    filed = opened.campaigns.create("ann", SPRING)
    with pytest.raises(InputFault, match="is no number of users"):
        opened.campaigns.submit("ann", filed.campaign_id, reach)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, r"campaign.name \(''\) is empty"),
        ({"category": 5}, "campaign.category .* is a whole number, not text"),
        ({"channel": "x" * 600}, "campaign.channel .* has 600 characters"),
        ({"relevance": -1}, "campaign.relevance"),
        ({"expires_at": "tomorrow"}, "campaign.expires_at"),
        ({"message": {"body": "x" * 70_000}}, "campaign.message .* is too long"),
        ({"audience": {"persona": "whale"}}, r"campaign.audience.persona \(whale\) is none: use one of new"),
        ({"audience": {"user_ids": []}}, "campaign.audience.user_ids is empty"),
        ({"audience": {"members": True}}, "campaign.audience.members is an unknown field"),
        ({"name": "\ud800"}, "campaign"),
    ],
)
def test_a_campaign_that_does_not_hold_names_the_field(opened, wrong, said):
    with pytest.raises(InputFault, match=said):
        opened.campaigns.create("ann", {**SPRING, **wrong})
    assert opened.campaigns.listed() == []
    assert opened.audit.entries()[0].refused is not None


def test_a_campaign_may_be_given_as_a_value_or_as_json_would_carry_it(opened):
    value = Campaign(name="Spring", category="promotion", channel="push", audience=Audience(member=True))
    plain = {"name": "Spring", "category": "promotion", "channel": "push", "audience": {"member": True}}
    one, other = opened.campaigns.create("ann", value), opened.campaigns.create("ann", plain)
    assert one.campaign == other.campaign == value
    assert [filed.campaign_id for filed in opened.campaigns.listed("draft")] == [other.campaign_id, one.campaign_id]


def test_the_audit_of_a_campaign_counts_its_users_and_names_none(opened):
    opened.campaigns.create("ann", {**SPRING, "audience": {"user_ids": ["u-canary", "u-2"]}})
    assert opened.audit.entries()[0].detail["audience"] == {"user_ids": 2}


def test_a_campaign_that_nobody_knows_is_a_fault(opened):
    for call in (opened.campaigns.of, opened.campaigns.progress):
        with pytest.raises(InputFault, match="is in no book"):
            call("campaign-1-aaaaaa")
    with pytest.raises(InputFault, match="is in no book"):
        opened.campaigns.start("ann", "campaign-1-aaaaaa")
