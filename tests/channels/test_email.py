"""E-mail to real SMTP servers: what arrives, what each reply means by how far the message came."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from channel_peers import _server_side, a_push, an_address, speaking, trust
from hypothesis import example, given
from hypothesis import strategies as st
from provider_desk import NOW_S, Clock, attempts_at

from andante.channels import email as channel_module
from andante.channels.contract import Content, Status
from andante.channels.email import Email, Server, email
from andante.channels.email_reports import Names
from andante.settings.sections.channels import EmailOptions
from andante.vocabulary.fault import InputFault, SettingsFault

ANN = an_address("email", {"email": "ann@mail.example"})
NAMES = Names("secret")
OUT = "https://shop.example/u/token"
LEAVABLE = a_push(unsubscribe_url=OUT)


class Inbox:
    """Keeps what it takes."""

    def __init__(self):
        self.mails, self.sessions, self.logins = [], set(), []

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802  aiosmtpd looks for it
        self.mails.append(envelope)
        self.sessions.add(id(session))
        return "250 2.0.0 queued as 1"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        self.logins.append((data.login, data.password) if isinstance(data, LoginPassword) else None)
        return AuthResult(success=self.logins[-1] == (b"shop", b"hunter2"), handled=False)


@asynccontextmanager
async def mail_server(inbox, **options):
    """A real mail server that wants STARTTLS and a login."""
    usual = {"tls_context": _server_side([]), "require_starttls": True, "auth_required": True}
    given = {"authenticator": inbox.authenticate, "hostname": "mail.peer.example", **usual, **options}
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(inbox, **given), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def channel(port, from_address="Shop <news@shop.example>", **changed):
    usual = {"host": "localhost", "port": port, "user": "shop", "password": "hunter2", "trust": trust()}
    return Email(Server(**(usual | changed)), from_address, NAMES, now_s=Clock())


def delivered(*pushes, inbox=None, server=None, **changed):
    inbox = inbox or Inbox()

    async def run():
        async with mail_server(inbox, **(server or {})) as port:
            return await attempts_at(channel(port, **changed), [(push, ANN) for push in pushes])

    return asyncio.run(run()), inbox


def written(push, address=ANN):
    made = channel(0).written(push, address.value["email"], address.address_id)
    return message_from_bytes(made.as_bytes(), policy=default)


def test_a_mail_arrives_with_text_html_and_a_way_out_by_one_click():
    entries = ({"title": "Hat", "url": "https://shop.example/hat"}, {"title": "Shoe <new>"})
    content = Content(
        title="Grüße & <more>", body="Only\n.today", form="list", entries=entries, url="https://shop.example/?a=1&b=2"
    )
    push = a_push(content=content, unsubscribe_url=OUT, expires_s=int(NOW_S) + 3_600)
    (answer,), inbox = delivered(push)
    (envelope,) = inbox.mails
    mail = message_from_bytes(envelope.content, policy=default)
    text, html = (mail.get_body((kind,)).get_content().replace("\r", "") for kind in ("plain", "html"))
    assert (answer.status, answer.code) == (Status.ACCEPTED, "250 2.0.0")
    assert (envelope.mail_from, envelope.rcpt_tos) == ("news@shop.example", ["ann@mail.example"])
    assert (mail["from"], mail["to"], mail["subject"]) == (
        "Shop <news@shop.example>",
        "ann@mail.example",
        "Grüße & <more>",
    )
    assert mail["list-unsubscribe"] == f"<{OUT}>"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert mail["expires"] == "Sun, 15 Jun 2025 16:06:40 +0000"
    assert NAMES.decision_of(mail["message-id"]) == NAMES.decision_of(mail["x-andante-decision"]) == "d-1"
    assert text.splitlines()[:2] == ["Only", ".today"]
    assert "• Hat\n  https://shop.example/hat" in text
    assert '<a href="https://shop.example/?a=1&amp;b=2">Grüße &amp; &lt;more&gt;</a>' in html
    assert "Shoe &lt;new&gt;" in html
    assert OUT in text
    assert f'<a href="{OUT}">' in html


def test_lines_that_begin_with_a_dot_arrive_as_they_are_and_end_nothing():
    body = ".\n..\n.today\n."
    (answer, next_one), inbox = delivered(*[a_push(content=Content(title="x", body=body), unsubscribe_url=OUT)] * 2)
    mail = message_from_bytes(inbox.mails[0].content, policy=default)
    assert mail.get_body(("plain",)).get_content().replace("\r", "").startswith(body)
    assert (answer.status, next_one.status, len(inbox.mails)) == (Status.ACCEPTED, Status.ACCEPTED, 2)


def test_one_line_serves_many_mails_and_is_made_anew_where_it_is_gone():
    answers, inbox = delivered(LEAVABLE, LEAVABLE, LEAVABLE)
    assert [answer.status for answer in answers] == [Status.ACCEPTED] * 3
    assert (len(inbox.sessions), len(inbox.logins)) == (1, 1)

    inbox = Inbox()

    async def run():
        async with mail_server(inbox) as port:
            made = channel(port)
            first = await made.send(LEAVABLE, ANN)
            made._line.transport.abort()
            return [first, *await attempts_at(made, [(LEAVABLE, ANN)])]

    answers = asyncio.run(run())
    assert [answer.status for answer in answers] == [Status.ACCEPTED] * 2
    assert len(inbox.logins) == 2


def test_a_mail_has_the_same_id_at_every_attempt_and_another_one_for_every_address():
    other = type(ANN)(**{name: getattr(ANN, name) for name in ANN.__struct_fields__} | {"address_id": "a-2"})
    ids = [written(push, to)["message-id"] for push, to in ((LEAVABLE, ANN), (LEAVABLE, ANN), (LEAVABLE, other))]
    assert ids[0] == ids[1] != ids[2]


def test_a_messages_own_layout_is_taken_for_html():
    push = a_push(content=Content(title="x", body="y", html="<b>mine</b>"), unsubscribe_url=OUT)
    assert written(push).get_body(("html",)).get_content().strip() == "<b>mine</b>"


def test_without_https_there_is_no_one_click():
    mail = written(a_push(unsubscribe_url="http://localhost:8484/u/t"))
    assert (mail["list-unsubscribe"], mail["list-unsubscribe-post"]) == ("<http://localhost:8484/u/t>", None)


def test_mail_that_sells_without_a_way_out_is_refused_and_a_transactional_one_goes():
    (refused, taken), inbox = delivered(a_push(), a_push(transactional=True))
    assert (refused.status, refused.code, taken.status, len(inbox.mails)) == (
        Status.UNABLE,
        "unsubscribe",
        Status.ACCEPTED,
        1,
    )


@pytest.mark.parametrize(
    "push",
    [
        a_push(content=Content(title="x\r\nBcc: eve@mail.example"), unsubscribe_url=OUT),
        a_push(content=Content(title="x\nBcc: eve@mail.example"), unsubscribe_url=OUT),
        a_push(content=Content(title="x\r"), unsubscribe_url=OUT),
        a_push(content=Content(title="x\u2028"), unsubscribe_url=OUT),
        a_push(unsubscribe_url="https://x\r\nBcc: eve@mail.example"),
        a_push(decision_id="d\r\nBcc: eve@mail.example", unsubscribe_url=OUT),
    ],
)
def test_no_header_can_be_injected(push):
    (answer,), inbox = delivered(push)
    assert (answer.status, answer.code, inbox.mails) == (Status.UNABLE, "content", [])


@given(st.text(), st.text())
@example("x\r", "")
def test_whatever_a_push_says_a_mail_has_the_headers_that_we_wrote_and_no_others(title, body):
    push = a_push(content=Content(title=title, body=body), unsubscribe_url=OUT)
    try:
        mail = message_from_bytes(channel(0).written(push, "ann@mail.example", "a-1").as_bytes(), policy=default)
    except ValueError:
        return
    ours = [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "X-Andante-Decision",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ]
    assert sorted(mail.keys()) == sorted([*ours, "MIME-Version", "Content-Type"])
    assert "bcc" not in (key.lower() for key in mail)


@pytest.mark.parametrize(
    "mailbox",
    ["", "ann", "ann@", "a b@c.d", "ann@mail.example\r\nDATA", "<ann@mail.example>", "änn@mail.example", None],
)
def test_an_address_that_is_no_mailbox_is_gone(mailbox):
    async def run():
        (answer,) = await attempts_at(channel(1), [(LEAVABLE, an_address("email", {"email": mailbox}))])
        with pytest.raises(InputFault):
            channel(1).checked({"email": mailbox})
        return answer

    assert asyncio.run(run()).status is Status.GONE


class Codes(Inbox):
    """Answers one command by a code."""

    def __init__(self, command, reply):
        super().__init__()
        setattr(self, f"handle_{command}", self._reply(reply))

    @staticmethod
    def _reply(reply):
        async def handle(server, session, envelope, *rest):
            return reply

        return handle


@pytest.mark.parametrize(
    ("command", "reply", "means", "code"),
    [
        ("MAIL", "451 4.7.1 greylisted", Status.BUSY, "451 4.7.1"),
        ("MAIL", "550 5.7.1 not from you", Status.REFUSED, "550 5.7.1"),
        ("RCPT", "550 5.1.1 <ann@mail.example>: no such user", Status.GONE, "550 5.1.1"),
        ("RCPT", "550 5.2.1 disabled", Status.GONE, "550 5.2.1"),
        ("RCPT", "556 5.1.10 null MX", Status.GONE, "556 5.1.10"),
        ("RCPT", "550 5.7.1 policy", Status.REFUSED, "550 5.7.1"),
        ("RCPT", "550 no", Status.REFUSED, "550"),
        ("RCPT", "452 4.2.2 mailbox full", Status.BUSY, "452 4.2.2"),
        ("RCPT", "421 4.3.2 shutting down", Status.BUSY, "421 4.3.2"),
        ("DATA", "554 5.7.1 spam", Status.REFUSED, "554 5.7.1"),
        ("DATA", "451 4.3.0 later", Status.BUSY, "451 4.3.0"),
        ("DATA", "550 5.1.1 of a list", Status.REFUSED, "550 5.1.1"),
    ],
)
def test_each_reply_is_translated_by_its_code(command, reply, means, code):
    answers, _ = delivered(LEAVABLE, LEAVABLE, inbox=Codes(command, reply))
    assert [(answer.status, answer.code) for answer in answers] == [(means, code)] * 2
    assert "ann@mail.example" not in answers[0].raw


def test_a_wrong_password_makes_us_unable_and_is_not_told():
    (answer,), inbox = delivered(LEAVABLE, password="hunter3")  # noqa: S106  of nobody
    assert (answer.status, answer.code.split()[0], inbox.mails) == (Status.UNABLE, "535", [])
    assert "hunter3" not in repr(answer)
    assert "hunter3" not in repr(Server("h", 1, password="hunter3"))  # noqa: S106  of nobody


@pytest.mark.parametrize("login", [{}, {"user": None, "password": None}])
def test_without_starttls_nothing_is_sent_not_even_a_login(login):
    clear = {"tls_context": None, "require_starttls": False, "auth_required": False}
    (answer,), inbox = delivered(LEAVABLE, server=clear, **login)
    assert (answer.status, answer.code, inbox.logins, inbox.mails) == (Status.UNABLE, "server", [], [])


def test_a_server_that_is_not_who_it_should_be_gets_nothing():
    (answer,), inbox = delivered(LEAVABLE, trust=ssl.create_default_context())
    assert (answer.status, answer.code, inbox.logins) == (Status.UNABLE, "tls", [])


def talking(talk, *, attempts=1, **changed):
    """Attempt at a peer that speaks as a function says, in the clear."""

    async def run():
        async with speaking(talk, tls=False) as port:
            plain = {"tls": "none", "user": None, "password": None}
            return await attempts_at(channel(port, **(plain | changed)), [(LEAVABLE, ANN)] * attempts)

    return asyncio.run(run())


def saying(*steps):
    """A peer that greets, then answers each command by a step: a reply, or "hang", or "cut"."""

    async def talk(reader, writer):
        writer.write(b"220 hello\r\n")
        for step in steps:
            if step == "message":
                await reader.readuntil(b"\r\n.\r\n")
                continue
            if step in {"cut", "reset"}:
                return
            if step == "hang":
                await reader.read()
                await asyncio.Event().wait()
            await reader.readuntil(b"\r\n")
            writer.write(step.encode() + b"\r\n")
            await writer.drain()
        await reader.read()

    return talk


READY = ("250 hello", "250 ok", "250 ok")


@pytest.mark.parametrize(
    ("steps", "means"),
    [
        (("cut",), Status.BUSY),
        (("250 hello", "cut"), Status.BUSY),
        (("250 hello", "250 ok", "cut"), Status.BUSY),
        ((*READY, "cut"), Status.BUSY),
        ((*READY, "354 go", "cut"), Status.AMBIGUOUS),
        ((*READY, "354 go", "message", "cut"), Status.AMBIGUOUS),
        ((*READY, "354 go", "message", "hang"), Status.AMBIGUOUS),
        (("250 hello", "hang"), Status.BUSY),
        ((*READY, "250 what"), Status.BUSY),
        ((*READY, "503 5.5.1 no"), Status.REFUSED),
        (("no smtp at all",), Status.BUSY),
        (("554 5.3.2 go away", "554 5.3.2 go away"), Status.UNABLE),
    ],
)
def test_a_line_that_breaks_is_busy_before_the_message_and_ambiguous_after_it(steps, means, monkeypatch):
    monkeypatch.setattr(channel_module, "BEFORE_S", 0.5)
    monkeypatch.setattr(channel_module, "AFTER_S", 0.3)
    (answer,) = talking(saying(*steps))
    assert answer.status is means, answer


def test_nobody_listening_is_busy():
    async def run():
        async with speaking(saying(), tls=False) as port:
            pass
        return await attempts_at(channel(port), [(LEAVABLE, ANN)])

    (answer,) = asyncio.run(run())
    assert answer.status is Status.BUSY


def test_a_push_that_waits_too_long_for_its_turn_is_busy_and_was_not_sent(monkeypatch):
    monkeypatch.setattr(channel_module, "TURN_S", 0.2)
    monkeypatch.setattr(channel_module, "AFTER_S", 1.5)

    async def run():
        async with speaking(saying(*READY, "354 go", "message", "hang"), tls=False) as port:
            made = channel(port, tls="none", user=None, password=None)
            try:
                return await asyncio.gather(made.send(LEAVABLE, ANN), made.send(LEAVABLE, ANN))
            finally:
                await made.close()

    first, second = asyncio.run(run())
    assert (first.status, second.status, second.code) == (Status.AMBIGUOUS, Status.BUSY, "turn")


def test_a_dispatcher_that_gives_up_leaves_no_line_behind_that_answers_for_another_mail():
    async def run():
        async with speaking(saying(*READY, "354 go", "message", "hang"), tls=False) as port:
            made = channel(port, tls="none", user=None, password=None)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await made.send(LEAVABLE, ANN)
            kept = made._line
            await made.close()
            return kept

    assert asyncio.run(run()) is None


class Kept:
    """Means that keep a secret."""

    def secret(self, name, make):
        assert name == "email"
        return make()


def test_settings_open_the_channel_and_no_password_travels_in_the_clear(tmp_path):
    file = tmp_path / "password"
    file.write_text("hunter2")
    usual = {"provider": "email", "host": "smtp.shop.example", "from_address": "news@shop.example"}
    login = {"user": "shop", "password_file": file}
    opened = email(EmailOptions(**usual, **login), Kept())
    assert (opened._server.tls, opened._server.port, opened._server.password) == ("starttls", 587, "hunter2")
    assert len(opened._names.secret) >= 32
    for wrong in ({"user": "shop"}, {"password_file": file}, login | {"tls": "none"}):
        with pytest.raises(SettingsFault) as fault:
            email(EmailOptions(**usual, **wrong), Kept())
        assert "hunter2" not in str(fault.value)
    assert email(EmailOptions(**usual | {"host": "localhost"}, **login, tls="none"), Kept())._server.tls == "none"
