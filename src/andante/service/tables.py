"""Tables: a campaign for many users in one call, in columns of MessagePack or of Arrow.

JSON is what most of a batch costs; columns cost a fraction. An answer comes in the kind that was asked in.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from andante.live.admission_refusals import explained
from andante.service.bodies import MSGPACK, UNREADABLE, unreadable
from andante.service.problem import Problem
from andante.service.serving import Reply
from andante.service.shapes import Columns, DecidedColumns
from andante.vocabulary.fault import InputFault, MissingExtra

if TYPE_CHECKING:
    from andante.live.answers_columns import DecisionColumns
    from andante.service.serving import Serving

_COLUMNS = msgspec.msgpack.Decoder(Columns)
_ENCODER = msgspec.msgpack.Encoder()
_ARROW = "application/vnd.apache.arrow.stream"
_NOT_A_TIME = np.iinfo(np.int64).min


def decide_table(serving: Serving, body: bytes, kind: str) -> Reply:
    """Decide a table, all or nothing. It blocks: the engine's turn is waited for."""
    table = _msgpack(body) if kind == MSGPACK else _arrow(body)
    rows = _rows(table)
    if rows > serving.settings.batch_max:
        problem = f"a table of {rows:,} rows"
        raise Problem(413, problem, action=f"send at most {serving.settings.batch_max:,} rows a call")
    decided = serving.engine.decide_columns(table)
    actions = decided.to_dict()
    serving.metrics.tallied(_tally(decided))
    return Reply(_packed(actions) if kind == MSGPACK else _streamed(actions), media_type=kind)


def _tally(decided: DecisionColumns) -> list[tuple[tuple[str, str], int]]:
    from andante.vocabulary.reason import Action, Reason  # noqa: PLC0415

    pairs, counts = np.unique(np.stack([decided.action, decided.reason]), axis=1, return_counts=True)
    return [
        ((Action(int(action)).name.lower(), Reason(int(reason)).name.lower()), int(count))
        for (action, reason), count in zip(pairs.T, counts, strict=True)
    ]


def _rows(table: Any) -> int:
    if hasattr(table, "num_rows"):
        return int(table.num_rows)
    return max((len(column) for column in table.values() if isinstance(column, list)), default=1)


def _msgpack(body: bytes) -> dict[str, Any]:
    """Return the columns that a body of MessagePack holds."""
    try:
        columns = _COLUMNS.decode(body)
    except msgspec.ValidationError as error:
        refusal = explained(error, None, Columns)
        raise InputFault(f"columns.{refusal.field}", None, refusal.problem, "give a list, or one value") from None
    except UNREADABLE as error:
        raise unreadable(error) from None
    return {name: column for name, column in msgspec.structs.asdict(columns).items() if column is not None}


def _packed(columns: dict[str, Any]) -> bytes:
    """Return decided columns as MessagePack: a map of lists, times as its timestamps."""
    seconds = columns["send_at"].astype(np.int64).tolist()
    lists = {name: column.tolist() if isinstance(column, np.ndarray) else column for name, column in columns.items()}
    lists["send_at"] = [None if at_s == _NOT_A_TIME else datetime.fromtimestamp(at_s, UTC) for at_s in seconds]
    return _ENCODER.encode(DecidedColumns(**lists))


def _arrow(body: bytes) -> Any:
    """Return the table that a stream of Arrow holds. It comes from outside, so all of it is checked."""
    pyarrow = _pyarrow()
    try:
        _refuse_compressed(body, pyarrow)
        with pyarrow.ipc.open_stream(body) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pyarrow.ArrowException, ValueError, OSError, struct.error) as error:
        raise Problem(400, f"the body is no stream of Arrow: {str(error)[:200]}") from None
    return table


def _refuse_compressed(body: bytes, pyarrow: Any) -> None:
    """Raise Problem 415 for compressed buffers: a body of bounded size must not unpack to one without bounds.

    A message's header is a flatbuffer: its root's third field is the record batch, whose fourth is the compression.
    """
    for message in pyarrow.ipc.MessageReader.open_stream(body):
        if message.type not in {"record batch", "dictionary"}:
            continue
        header = message.metadata.to_pybytes()
        batch = _field(header, struct.unpack_from("<i", header, 0)[0], 2)
        if message.type == "dictionary" and batch is not None:
            batch = _field(header, batch, 1)
        if batch is not None and _field(header, batch, 3) is not None:
            raise Problem(415, "compressed Arrow is not read", action="write the stream without compression")


def _field(buffer: bytes, table: int, number: int) -> int | None:
    """Return where a table of a flatbuffer, held in a field of another one, begins; None where it is absent."""
    layout = table - struct.unpack_from("<i", buffer, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", buffer, layout)[0]:
        return None
    offset = struct.unpack_from("<H", buffer, layout + 4 + 2 * number)[0]
    if not offset:
        return None
    place = table + offset
    return int(place + struct.unpack_from("<I", buffer, place)[0])


def _streamed(columns: dict[str, Any]) -> bytes:
    pyarrow = _pyarrow()
    send_at = pyarrow.array(columns["send_at"], pyarrow.timestamp("s")).cast(pyarrow.timestamp("s", tz="UTC"))
    reasons = pyarrow.array(columns["reasons"], pyarrow.list_(pyarrow.string()))
    table = pyarrow.table(columns | {"send_at": send_at, "reasons": reasons})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _pyarrow() -> Any:
    try:
        import pyarrow.ipc  # noqa: PLC0415  deciding needs no pyarrow, tables of Arrow do
    except ImportError:
        raise MissingExtra("a table of Arrow", None, "needs pyarrow", "pip install 'andante[plan]'") from None
    return pyarrow
