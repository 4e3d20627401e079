"""The head of an answer travels with its body, and never waits for one that does not come."""

import asyncio

from andante.service.protocol import Joining

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Line:
    """Where bytes go."""

    def __init__(self):
        self.written = []
        self.is_closed = False

    def write(self, data):
        assert not self.is_closed
        self.written.append(data)

    def close(self):
        self.is_closed = True


def _joined(say):
    """Return what was written at the end of the turn in which ``say`` writes, and after the next one."""
    line = Line()

    async def turn():
        joining = Joining(line, asyncio.get_running_loop())
        say(joining)
        now = list(line.written)
        await asyncio.sleep(0)
        return now, line.written

    return asyncio.run(turn())


def test_head_and_body_are_one_write():
    now, later = _joined(lambda line: (line.write(HEAD), line.write(b"{}")))
    assert now == later == [HEAD + b"{}"]


def test_head_without_a_body_is_written_when_the_turn_is_over():
    now, later = _joined(lambda line: line.write(HEAD))
    assert (now, later) == ([], [HEAD])


def test_other_bytes_are_written_at_once_and_in_order():
    now, _ = _joined(lambda line: (line.write(b"data: 1\n\n"), line.write(HEAD), line.write(b"2"), line.write(b"3")))
    assert now == [b"data: 1\n\n", HEAD + b"2", b"3"]


def test_head_is_written_before_the_line_is_closed():
    now, later = _joined(lambda line: (line.write(HEAD), line.close()))
    assert now == later == [HEAD]
