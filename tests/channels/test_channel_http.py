"""One attempt over HTTP, and what is known after it, whatever the peer does."""

import asyncio
import json
import logging
import socket
import struct
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
from channel_peers import Script, frames, served, speaking, trust
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame
from hypothesis import given
from hypothesis import strategies as st

from andante.channels.contract import Status
from andante.channels.http import RAW_MAX, RETRY_AFTER_S_MAX, Http, Limits, NoReply, Reply, judged, trusted
from andante.vocabulary.fault import SettingsFault

IMPATIENT = Limits(wait_s=0.4, total_s=2, body_s=0.3)
"""For peers that never answer: connecting may take as long as it takes on a machine that is busy."""


async def post(port, limits=None, **given):
    http = Http(limits=limits, trust=trust())
    try:
        return await http.post(f"https://localhost:{port}/3/device", **({"body": b"{}", "headers": {}} | given))
    except NoReply as failure:
        return failure.answer
    finally:
        await http.close()


def against(talk, *, protocols=("h2",), tls=True, **given):
    async def tried():
        async with speaking(talk, protocols=protocols, tls=tls) as port:
            return await post(port, **given)

    return asyncio.run(tried())


def answering(status="200", *, then=None):
    """React to the end of a request with a head, and what follows it."""

    def react(event, line, writer):
        if isinstance(event, h2.events.StreamEnded):
            line.send_headers(event.stream_id, [(":status", status)])
            return then(event, line, writer) if then else line.end_stream(event.stream_id)
        return False

    return react


def on_the_end(act):
    """React to the end of a request."""
    return lambda event, line, _: isinstance(event, h2.events.StreamEnded) and act(event, line)


def test_http_2_is_spoken_to_who_speaks_it():
    async def tried():
        application = Script((201, {"Location": "/m/1"}, b'{"name":"m"}'))
        async with served(application) as port:
            return await post(port, body=b"push", headers={"TTL": "60"}), application.seen

    reply, (seen,) = asyncio.run(tried())
    assert (reply.status, reply.headers["location"], reply.json(), reply.whole) == (201, "/m/1", {"name": "m"}, True)
    assert (seen["version"], seen["path"], seen["body"], seen["headers"]["ttl"]) == ("2", "/3/device", b"push", "60")


def test_http_1_is_spoken_to_who_speaks_nothing_else():
    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 2" in head.lower()
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    assert against(talk, protocols=("http/1.1",)).status == 202


async def _close(_reader, _writer):
    return


async def _hang(_reader, _writer):
    await asyncio.Event().wait()


async def _drop(reader, _writer):
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(2)


async def _drip(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


def _reset(code):
    return frames(on_the_end(lambda event, line: line.reset_stream(event.stream_id, code)))


def _goaway(last):
    return frames(on_the_end(lambda _event, line: line.close_connection(last_stream_id=last)))


@pytest.mark.parametrize(
    ("talk", "how", "code"),
    [
        (_close, {"tls": False}, "ConnectError"),
        (
            _hang,
            {"tls": False, "limits": Limits(connect_s=0.3)},
            "ConnectTimeout",
        ),  # half-open: it takes the connection, and nothing more
        (_reset(h2.errors.ErrorCodes.REFUSED_STREAM), {}, "RST_STREAM REFUSED_STREAM"),
        (_goaway(0), {}, "GOAWAY NO_ERROR"),
    ],
)
def test_what_a_peer_cannot_have_acted_on_may_be_tried_again(talk, how, code):
    answer = against(talk, **how)
    assert (answer.status, answer.code) == (Status.BUSY, code)


@pytest.mark.parametrize(
    ("talk", "how", "code"),
    [
        (_drop, {"protocols": ("http/1.1",)}, "RemoteProtocolError"),
        (_hang, {"protocols": ("http/1.1",), "limits": IMPATIENT}, "ReadTimeout"),
        (_drip, {"protocols": ("http/1.1",), "limits": IMPATIENT}, "TimeoutError"),
        (frames(lambda *_: False), {"limits": IMPATIENT}, "ReadTimeout"),  # half-open: it reads, and answers nothing
        (frames(lambda event, *_: isinstance(event, h2.events.StreamEnded)), {}, "RemoteProtocolError"),
        (_reset(h2.errors.ErrorCodes.INTERNAL_ERROR), {}, "RST_STREAM INTERNAL_ERROR"),
        (_reset(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM), {}, "RST_STREAM ENHANCE_YOUR_CALM"),
        (_goaway(1), {}, "GOAWAY NO_ERROR"),
    ],
)
def test_what_a_peer_may_have_acted_on_is_ambiguous(talk, how, code):
    answer = against(talk, **how)
    assert (answer.status, answer.code) == (Status.AMBIGUOUS, code)


ROOM = 1 << 24


def _roomy(writer):
    """Begin a line on which pushes may be far larger than what a socket holds."""
    line = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    room = {SettingCodes.INITIAL_WINDOW_SIZE: ROOM, SettingCodes.MAX_CONCURRENT_STREAMS: 9}
    line.local_settings = Settings(client=False, initial_values=room)
    line.initiate_connection()
    line.increment_flow_control_window(ROOM)
    writer.write(line.data_to_send())
    return line


def _leaving(*lasts):
    """Answer the first push, say where it ends, and break off amidst the second one."""

    async def talk(reader, writer):
        line = _roomy(writer)
        ended = False
        while not ended:
            ended = any(isinstance(one, h2.events.StreamEnded) for one in line.receive_data(await reader.read(65_536)))
        line.send_headers(1, [(":status", "200")], end_stream=True)
        goodbyes = [GoAwayFrame(0, last_stream_id=last, error_code=0).serialize() for last in lasts]
        writer.writelines([line.data_to_send(), *goodbyes])  # a record of TLS each, and one read takes one of them
        begun = False
        while not begun:
            begun = any(isinstance(one, h2.events.DataReceived) for one in line.receive_data(await reader.read(65_536)))
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    return talk


@pytest.mark.parametrize(
    ("lasts", "status", "code"),
    [
        ((1,), Status.BUSY, "GOAWAY NO_ERROR"),
        ((2**31 - 1, 1), Status.BUSY, "GOAWAY NO_ERROR"),  # first that it will go, then from where on
        ((3,), Status.AMBIGUOUS, "GOAWAY NO_ERROR"),
        ((), Status.AMBIGUOUS, "WriteError"),
    ],
)
def test_a_push_that_broke_off_was_not_taken_where_the_peer_had_said_so_before(lasts, status, code):
    async def tried():
        async with speaking(_leaving(*lasts)) as port:
            http = Http(trust=trust())
            url = f"https://localhost:{port}/"
            taken = await http.post(url, b"{}", {})
            try:
                await http.post(url, bytes(ROOM // 2), {})
            except NoReply as failure:
                return taken.status, failure.answer
            finally:
                await http.close()

    first, answer = asyncio.run(tried())
    assert (first, answer.status, answer.code) == (200, status, code)


def test_a_goodbye_that_another_push_has_read_holds_for_one_that_was_being_written():
    heard = asyncio.Event()

    async def talk(reader, writer):
        line = _roomy(writer)
        streams = set()
        while 3 not in streams:
            streams |= {getattr(event, "stream_id", 0) for event in line.receive_data(await reader.read(65_536))}
        writer.write(GoAwayFrame(0, last_stream_id=1, error_code=0).serialize())
        await heard.wait()  # and nothing is read any more, so that the client's line is full

    async def tried():
        async with speaking(talk) as port:
            http = Http(trust=trust(), limits=Limits(wait_s=2))
            url = f"https://localhost:{port}/"
            first = asyncio.create_task(http.post(url, b"{}", {}))
            await asyncio.sleep(0)
            second = asyncio.create_task(http.post(url, bytes(ROOM - 1), {}))
            (known,) = await asyncio.gather(first, return_exceptions=True)
            heard.set()
            (unknown,) = await asyncio.gather(second, return_exceptions=True)
            await http.close()
        return known.answer, unknown.answer

    first, second = asyncio.run(tried())
    assert (first.status, first.code) == (Status.AMBIGUOUS, "GOAWAY NO_ERROR")
    assert (second.status, second.code) == (Status.BUSY, "GOAWAY NO_ERROR")


def test_what_is_got_is_judged_and_bounded_like_what_is_posted():
    async def got(port, limits=None):
        http = Http(limits=limits, trust=trust())
        try:
            return await http.get(f"https://localhost:{port}/cid?count=10", {"accept": "application/json"})
        except NoReply as failure:
            return failure.answer
        finally:
            await http.close()

    async def tried():
        application, seen = Script((200, {}, b'{"x":1}')), []

        def react(event, line, _):
            if isinstance(event, h2.events.RequestReceived):
                seen.append(dict(event.headers))
                line.reset_stream(event.stream_id, h2.errors.ErrorCodes.INTERNAL_ERROR)

        async with served(application) as port:
            reply = await got(port, Limits(reply_bytes_max=3))
        async with speaking(frames(react)) as port:
            return reply, await got(port), await got(1), seen, application.seen

    reply, broken, nowhere, (raw,), (seen,) = asyncio.run(tried())
    assert (reply.status, reply.body, reply.whole) == (200, b'{"x', False)
    assert (broken.status, nowhere.status) == (Status.AMBIGUOUS, Status.BUSY)
    assert (raw[b":method"], raw[b":path"], b"content-length" in raw) == (b"GET", b"/cid?count=10", False)
    assert seen["body"] == b""


@pytest.mark.parametrize("level", [logging.NOTSET, logging.DEBUG])
def test_no_library_beneath_logs_what_headers_say(level, caplog):
    talkative = [logging.getLogger(name) for name in ("hpack", "httpcore")]
    for logger in talkative:
        logger.setLevel(level)

    async def tried():
        async with served(Script((201, {"location": "https://push.example/m/whose"}, b""))) as port:
            with caplog.at_level(logging.DEBUG):
                return await post(port, headers={"authorization": "bearer hunter2"})

    assert asyncio.run(tried()).headers["location"] == "https://push.example/m/whose"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("hpack", "httpcore"))]
    assert ours == []


def test_a_peer_that_nobody_vouches_for_gets_nothing():
    async def tried():
        application = Script((200, {}, b""))
        async with served(application) as port:
            http = Http()
            try:
                await http.post(f"https://localhost:{port}/", b"{}", {})
            except NoReply as failure:
                return failure.answer, application.seen
            finally:
                await http.close()

    answer, seen = asyncio.run(tried())
    assert (answer.status, answer.code, seen) == (Status.BUSY, "ConnectError", [])


def test_where_nobody_listens_nothing_was_taken():
    answer = asyncio.run(post(1))
    assert (answer.status, answer.code) == (Status.BUSY, "ConnectError")


def test_a_connection_that_ended_while_idle_is_replaced_and_the_push_goes_out_once():
    async def tried():
        taken = []

        def react(event, line, _writer):
            if isinstance(event, h2.events.StreamEnded):
                taken.append(event.stream_id)
                line.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
                line.close_connection(last_stream_id=event.stream_id)
            return False

        async with speaking(frames(react)) as port:
            http = Http(trust=trust())
            replies = [await http.post(f"https://localhost:{port}/", b"{}", {}) for _ in range(3)]
            await http.close()
        return replies, taken

    replies, taken = asyncio.run(tried())
    assert [reply.status for reply in replies] == [200] * 3
    assert taken == [1, 1, 1]


def test_pushes_that_go_out_together_share_a_connection():
    async def tried():
        connections = set()

        def react(event, line, writer):
            connections.add(writer)
            if isinstance(event, h2.events.StreamEnded):
                line.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
            return False

        async with speaking(frames(react)) as port:
            http = Http(trust=trust())
            url = f"https://localhost:{port}/"
            replies = await asyncio.gather(*(http.post(url, b"{}", {}) for _ in range(50)))
            await http.close()
        return replies, connections

    replies, connections = asyncio.run(tried())
    assert [reply.status for reply in replies] == [200] * 50
    assert len(connections) == 1


def test_a_body_that_breaks_off_takes_the_status_not_back():
    def cut(event, line, _writer):
        line.send_data(event.stream_id, b'{"name":')
        line.reset_stream(event.stream_id, h2.errors.ErrorCodes.INTERNAL_ERROR)

    reply = against(frames(answering("200", then=cut)))
    assert (reply.status, reply.whole, reply.json()) == (200, False, {})


def test_a_body_that_never_ends_is_left():
    reply = against(frames(answering("410", then=lambda *_: False)), limits=IMPATIENT)
    assert (reply.status, reply.whole, reply.body) == (410, False, b"")


def test_a_body_longer_than_anyone_needs_is_cut():
    def flood(event, line, _writer):
        for _ in range(40):
            line.send_data(event.stream_id, b"x" * 1000)

    reply = against(frames(answering("500", then=flood)), limits=Limits(reply_bytes_max=10_000))
    assert (reply.status, reply.whole, len(reply.body), len(reply.text())) == (500, False, 10_000, RAW_MAX)


def test_a_push_that_found_no_free_connection_was_not_taken():
    async def tried():
        async with speaking(_hang, protocols=("http/1.1",)) as port:
            limits = Limits(connections_max=1, wait_s=0.2, total_s=2)
            http = Http(limits=limits, trust=trust())
            url = f"https://localhost:{port}/"
            tries = [http.post(url, b"{}", {}) for _ in range(2)]
            failures = await asyncio.gather(*tries, return_exceptions=True)
            await http.close()
        return [failure.answer for failure in failures]

    first, second = asyncio.run(tried())
    assert (first.status, first.code) == (Status.AMBIGUOUS, "ReadTimeout")
    assert (second.status, second.code) == (Status.BUSY, "PoolTimeout")


def test_an_attempt_that_is_cut_off_leaves_its_connection_to_the_others():
    async def tried():
        lines, begun = set(), asyncio.Event()

        def react(event, line, writer):
            lines.add(writer)
            if isinstance(event, h2.events.RequestReceived) and (b":path", b"/deaf") in event.headers:
                begun.set()
            elif isinstance(event, h2.events.StreamEnded) and event.stream_id > 1:
                line.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
            return False

        async with speaking(frames(react)) as port:
            http = Http(trust=trust())
            cut = asyncio.create_task(http.post(f"https://localhost:{port}/deaf", b"{}", {}))
            await begun.wait()
            beside = await http.post(f"https://localhost:{port}/", b"{}", {})
            cut.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cut
            after = await http.post(f"https://localhost:{port}/", b"{}", {})
            await http.close()
            await http.close()
        return beside, after, lines

    beside, after, lines = asyncio.run(tried())
    assert (beside.status, after.status, len(lines)) == (200, 200, 1)


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "a\x00", "naïve", "推送"])
def test_no_value_adds_a_header(value):
    answer = asyncio.run(post(1, headers={"apns-collapse-id": value}))
    assert (answer.status, answer.code) == (Status.UNABLE, "header")
    assert value not in answer.detail


@pytest.mark.parametrize("url", ["shop.example", "ftp://shop.example/", "https://[::1/"])
def test_a_url_that_no_request_can_go_to_is_our_own_fault(url):
    async def tried():
        http = Http(trust=trust())
        with pytest.raises(NoReply) as failure:
            await http.post(url, b"{}", {})
        return failure.value.answer.status

    assert asyncio.run(tried()) is Status.UNABLE


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (200, Status.ACCEPTED),
        (201, Status.ACCEPTED),
        (202, Status.ACCEPTED),
        (301, Status.UNABLE),
        (307, Status.UNABLE),
        (400, Status.REFUSED),
        (401, Status.UNABLE),
        (403, Status.UNABLE),
        (404, Status.REFUSED),
        (408, Status.BUSY),
        (410, Status.REFUSED),
        (413, Status.REFUSED),
        (429, Status.BUSY),
        (500, Status.BUSY),
        (502, Status.AMBIGUOUS),
        (503, Status.BUSY),
        (504, Status.AMBIGUOUS),
        (599, Status.AMBIGUOUS),
    ],
)
def test_a_status_code_means_what_http_says(code, status):
    assert judged(Reply(code, {}, b"", 0.0)).status is status


def test_a_provider_may_mean_something_else_by_a_code():
    assert judged(Reply(410, {}, b"", 0.0), {410: Status.GONE}).status is Status.GONE


NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@given(st.integers(0, 10**400))
def test_a_wait_in_seconds_is_read_and_bounded(seconds):
    wait_s = Reply(429, {"retry-after": str(seconds)}, b"", 0.0).retry_after_s()
    assert wait_s == min(seconds, RETRY_AFTER_S_MAX) or len(str(seconds)) > 9
    assert 0 <= wait_s <= RETRY_AFTER_S_MAX


@given(st.integers(-3600, 3600), st.integers(-(10**6), 10**6))
def test_a_wait_until_a_date_is_read_on_the_clock_of_who_wrote_it(wait, off):
    theirs = NOW + timedelta(seconds=off)
    headers = {"retry-after": format_datetime(theirs + timedelta(seconds=wait), usegmt=True)}
    assert Reply(503, headers, b"", theirs.timestamp()).retry_after_s() == max(wait, 0)
    headers["date"] = format_datetime(theirs, usegmt=True)
    assert Reply(503, headers, b"", NOW.timestamp()).retry_after_s() == max(wait, 0)


@given(st.text(max_size=40))
def test_a_wait_that_cannot_be_read_is_none_or_bounded(text):
    wait_s = Reply(503, {"retry-after": text, "date": text}, b"", 0.0).retry_after_s()
    assert wait_s is None or 0 <= wait_s <= RETRY_AFTER_S_MAX


@given(st.binary(max_size=3000))
def test_what_is_kept_of_a_reply_is_short_and_on_one_line(body):
    text = Reply(400, {}, body, 0.0).text()
    assert len(text) <= RAW_MAX
    assert text.isprintable() or not text.splitlines()[1:]
    assert "\x1b" not in text


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b"[" * 20_000, json.dumps([{}]).encode()])
def test_a_body_that_is_no_object_is_read_as_an_empty_one(body):
    assert Reply(400, {}, body, 0.0).json() == {}


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_named(tmp_path, text):
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsFault, match=r"ca\.pem.*no certificates"):
        trusted(file)
