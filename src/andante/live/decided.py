"""What was decided: requests as they were admitted, what the step said of them, and the rows that the log keeps."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from andante.live import answers
from andante.vocabulary.flow import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from andante.engine.batch import Stepped
    from andante.live.admission import AdmittedRequests
    from andante.live.waiting import Offering
    from andante.stores.contract import Line
    from andante.vocabulary.records import Candidate, Decision

_REQUEST, _RELEASE = int(Kind.REQUEST), int(Kind.RELEASE)


class Admitted(Protocol):
    """Requests that were admitted, as structures or as a table: n of them, with m candidates."""

    @property
    def user_ids(self) -> Sequence[str]:
        """Who is asked about, [n]."""
        ...

    @property
    def keys(self) -> Sequence[str | None]:
        """Idempotency keys, [n], or none at all."""
        ...

    @property
    def at_us(self) -> NDArray[np.int64]:
        """When, in microseconds, [n]."""
        ...

    @property
    def at_s(self) -> NDArray[np.int64]:
        """When, in whole seconds, [n]."""
        ...

    @property
    def records(self) -> NDArray[np.void]:
        """RECORD, [n]."""
        ...

    @property
    def candidates(self) -> NDArray[np.void]:
        """CANDIDATE, [m]."""
        ...

    @property
    def first(self) -> NDArray[np.int64]:
        """Where the candidates of a request begin, [n]."""
        ...

    @property
    def count(self) -> NDArray[np.uint8]:
        """How many candidates a request has, [n]."""
        ...

    @property
    def written(self) -> Sequence[Any]:
        """The candidates of each request, as they go into the log, [n]."""
        ...

    def offered(self, place: int) -> tuple[Candidate, ...]:
        """Return the candidates of a request."""
        ...

    def kept(self, place: int) -> bytes | Offering:
        """Return what a request offered as it is kept while it waits."""
        ...


AdmittedT = TypeVar("AdmittedT", bound=Admitted)


class Decided(NamedTuple, Generic[AdmittedT]):
    """Decisions as columns, with all that their answers and their rows in the log need."""

    admitted: AdmittedT
    stepped: Stepped
    first: int  # log position of the first
    positions: NDArray[np.int64]
    users: NDArray[np.int64]
    version: int  # of the parameters
    policy: str
    log: str
    origins: Sequence[tuple[int, ...]] | None  # of releases: for each candidate, the decision that had deferred it

    def lines(self) -> list[Line]:
        """Return the rows of the log."""
        admitted, stepped = self.admitted, self.stepped
        bodies = answers.bodies(
            admitted.written,
            admitted.count,
            stepped.decisions,
            stepped.verdicts,
            parameters=self.version,
            keys=admitted.keys,
            origins=self.origins,
        )
        columns = (self.users.tolist(), admitted.at_us.tolist(), stepped.decisions["action"].tolist(), bodies)
        kind = _REQUEST if self.origins is None else _RELEASE
        return list(zip(range(self.first, self.first + len(bodies)), repeat(kind), *columns, strict=False))


def finish(decided: Decided[AdmittedRequests]) -> list[Decision]:
    """Return the decisions as the records that callers read."""
    return answers.decisions(
        decided.admitted.requests,
        decided.admitted.count,
        decided.stepped.decisions,
        decided.stepped.verdicts,
        log=decided.log,
        positions=decided.positions,
        users=decided.users,
        policy_version=decided.policy,
    )
