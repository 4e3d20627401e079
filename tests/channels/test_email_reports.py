"""Bounces and complaints, as mail servers write them, become receipts; what is of no message of ours is refused."""

from email.message import EmailMessage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from channel_peers import a_push, an_address
from hypothesis import given
from hypothesis import strategies as st
from provider_desk import Clock

from andante.channels.email import Email, Server
from andante.channels.email_reports import REPORT_BYTES_MAX, Names, reports
from andante.vocabulary.fault import InputFault

NAMES = Names("secret")
OURS = {"X-Andante-Decision": NAMES.signed("log-1-2"), "Message-ID": NAMES.message_id("log-1-2", "a-1", "shop.example")}

BOUNCE = """\
From: MAILER-DAEMON@mx.mail.example
To: news@shop.example
Date: Sun, 15 Jun 2025 15:07:00 +0000
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I am sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.mail.example
Arrival-Date: Sun, 15 Jun 2025 15:06:40 +0000

Final-Recipient: rfc822; ann@mail.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <ann@mail.example> no such user

--b
Content-Type: {returned}

{headers}

--b--
"""

COMPLAINT = """\
From: <abuse@mail.example>
Date: Sun, 15 Jun 2025 15:08:00 +0000
Subject: FW: Sale
To: <news@shop.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <ann@mail.example>

--b
Content-Type: message/rfc822

{headers}

Only today
--b--
"""


def headers(given=OURS):
    return "\n".join([*(f"{name}: {value}" for name, value in given.items()), "Subject: Sale"])


def gone(**how):
    return [one.gone for one in reports(bounce(**how), NAMES)]


def bounce(action="failed", status="5.1.1", returned="text/rfc822-headers", given=OURS):
    return BOUNCE.format(action=action, status=status, returned=returned, headers=headers(given)).encode()


def complaint(kind="abuse", given=OURS):
    return COMPLAINT.format(kind=kind, headers=headers(given)).encode()


def read(body):
    return [(one.outcome, one.decision_id, one.raw) for one in reports(body, NAMES)]


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_a_bounce_is_a_failure_of_the_decision_whose_message_it_brings_back(returned):
    (one,) = reports(bounce(returned=returned), NAMES)
    assert (one.outcome, one.decision_id, one.raw) == ("failed", "log-1-2", "failed 5.1.1")
    assert one.at_us == 1_750_000_020_000_000
    assert "ann@" not in one.raw


@pytest.mark.parametrize(
    ("action", "status", "means"),
    [
        ("delivered", "2.0.0", [("delivered", "log-1-2", "delivered 2.0.0")]),
        ("delayed", "4.4.1", []),
        ("relayed", "2.0.0", []),
        ("expanded", "2.0.0", []),
        ("Failed", "5.2.1 (disabled)", [("failed", "log-1-2", "failed 5.2.1")]),
        ("failed", "nonsense ann@mail.example", [("failed", "log-1-2", "failed")]),
    ],
)
def test_only_what_is_final_is_an_outcome(action, status, means):
    assert read(bounce(action, status)) == means


@pytest.mark.parametrize(
    ("kind", "means"),
    [
        ("abuse", [("complained", "log-1-2", "feedback abuse")]),
        ("fraud", [("complained", "log-1-2", "feedback fraud")]),
        ("opt-out", [("unsubscribed", "log-1-2", "feedback opt-out")]),
        ("not-spam", []),
        ("auth-failure", []),
    ],
)
def test_feedback_is_a_complaint_or_a_way_out(kind, means):
    assert read(complaint(kind)) == means


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
@pytest.mark.parametrize(
    ("action", "status", "to", "is_gone"),
    [
        ("failed", "5.1.1", "ann@mail.example", True),
        ("failed", "5.2.1", "Ann <Ann@Mail.Example>", True),
        ("failed", "5.2.2", "ann@mail.example", False),  # full: it may be there tomorrow
        ("failed", "5.0.0", "ann@mail.example", False),
        ("failed", "4.1.1", "ann@mail.example", False),
        ("delivered", "5.1.1", "ann@mail.example", False),
        ("failed", "5.1.1", "everybody@list.example", False),  # one of those behind it is no more
        ("failed", "5.1.1", None, False),
    ],
)
def test_a_mailbox_that_is_no_more_is_gone_and_none_that_is_behind_it(action, status, to, is_gone, returned):
    given = OURS if to is None else OURS | {"To": to}
    assert gone(action=action, status=status, returned=returned, given=given) == [is_gone]


def test_the_mailbox_that_reports_come_to_is_not_taken_for_the_one_that_is_gone():
    body = bounce(given=OURS).replace(b"ann@mail.example", b"news@shop.example")
    assert [one.gone for one in reports(body, NAMES)] == [False]


@pytest.mark.parametrize("name", [*OURS])
def test_either_name_of_ours_is_enough(name):
    assert read(bounce(given={name: OURS[name]}))[0][1] == "log-1-2"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Message-ID": "<log-1-2@shop.example>"},
        {"Message-ID": Names("other").message_id("log-1-2", "a-1", "shop.example")},
        {"X-Andante-Decision": NAMES.signed("log-1-2").replace("log-1-2", "log-1-3")},
    ],
)
def test_a_report_that_anybody_could_have_made_up_is_refused(given):
    for body in (bounce(given=given), complaint(given=given)):
        with pytest.raises(InputFault, match="is of no message of ours"):
            reports(body, NAMES)


def test_an_answer_that_quotes_our_message_is_no_report():
    answer = EmailMessage()
    answer["In-Reply-To"] = answer["X-Andante-Decision"] = OURS["X-Andante-Decision"]
    answer.set_content("I am on holiday")
    with pytest.raises(InputFault, match="is no bounce and no complaint"):
        reports(answer.as_bytes(), NAMES)


def test_a_report_that_the_standard_library_wrote_is_read():
    channel = Email(Server("localhost", 25), "news@shop.example", NAMES, now_s=Clock())
    mail = channel.written(a_push(decision_id="log-7-9"), "ann@mail.example", an_address("email", {}).address_id)
    report = MIMEMultipart("report", **{"report-type": "delivery-status"})
    status = MIMEMultipart()
    status.set_type("message/delivery-status")
    recipient = EmailMessage()
    recipient["Final-Recipient"], recipient["Action"], recipient["Status"] = "rfc822; x@y.z", "failed", "5.0.0"
    status.set_payload([EmailMessage(), recipient])
    for part in (MIMEText("sorry"), status, MIMEMessage(mail)):
        report.attach(part)
    (one,) = channel.receipts({}, report.as_bytes())
    assert (one.outcome, one.decision_id) == ("failed", "log-7-9")


def test_a_report_that_is_far_too_long_is_refused():
    with pytest.raises(InputFault, match="is longer than"):
        reports(bounce() + b"x" * REPORT_BYTES_MAX, NAMES)


@given(st.binary() | st.builds(lambda at, junk: bounce()[:at] + junk + bounce()[at:], st.integers(0, 900), st.binary()))
def test_whatever_comes_is_read_or_refused_and_never_of_another_decision(body):
    try:
        found = reports(body, NAMES)
    except InputFault:
        return
    assert all(one.decision_id == "log-1-2" for one in found)


@given(st.text(), st.text())
def test_a_name_is_signed_for_one_decision_alone(decision_id, other):
    signed = NAMES.signed(decision_id)
    assert NAMES.decision_of(signed) in {decision_id, None}
    if other != decision_id:
        assert NAMES.decision_of(f"{other}.{signed.rpartition('.')[2]}") != other
