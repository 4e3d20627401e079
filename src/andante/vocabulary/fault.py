"""The tree of faults: everything that Andante itself raises, drawn once.

::

    Fault                     one sentence: the thing, the value, what is wrong with it, the next action
    ├── InputFault            a file or folder given by the user cannot be used
    │   ├── EmptyInput        it holds no data at all
    │   ├── UnknownShape      its header is none that is known, and no mapping was given
    │   ├── MissingColumn     its shape is known, but a column that the shape needs is not there
    │   └── UnreadableInput   its bytes are not what its name promises (encoding, compression, delimiter)
    ├── SettingsFault         a setting is unknown, of the wrong type or out of range
    ├── NotEnoughData         too few users, days or labels to learn what was asked for
    ├── UnknownUser           a user who is in no plan
    ├── Conflict              an idempotency key was given before with another body
    ├── StoreFault            a store cannot do what was asked: nothing was appended
    │   ├── StoreBusy         somebody else writes to it
    │   ├── StoreUnreadable   it is not ours, of another version, or damaged
    │   └── StoreFull         there is no room left for it
    └── MissingExtra          an optional part of Andante is not installed

A fault that a user can mend ends a command with exit code 2 and one line on standard error, never a traceback.
"""


class Fault(Exception):
    """Base of all faults.

    >>> str(Fault("column 'at'", "oops", "is not a time", "write it as RFC 3339"))
    "column 'at' (oops) is not a time: write it as RFC 3339"
    """

    exit_code = 2

    def __init__(self, thing: str, value: object, problem: str, action: str) -> None:
        """Name the thing at fault, the value found (None: there is none), the problem and the next action."""
        self.thing, self.value, self.problem, self.action = thing, value, problem, action
        super().__init__(thing, value, problem, action)

    def __str__(self) -> str:
        """Return the fault as one sentence on one line."""
        found = "" if self.value is None else f" ({self.value})"
        return " ".join(f"{self.thing}{found} {self.problem}: {self.action}".split())


class InputFault(Fault):
    """A file or folder given by the user cannot be used."""


class EmptyInput(InputFault):
    """The input holds no data at all."""


class UnknownShape(InputFault):
    """The header is none that is known, and no mapping was given."""


class MissingColumn(InputFault):
    """The shape is known, but a column that it needs is not there."""


class UnreadableInput(InputFault):
    """The bytes are not what the name promises: encoding, compression or delimiter."""


class SettingsFault(Fault):
    """A setting is unknown, of the wrong type or out of range."""


class NotEnoughData(Fault):
    """There are too few users, days or labels to learn what was asked for."""


class UnknownUser(Fault):
    """The user is in no plan."""


class Conflict(Fault):
    """An idempotency key was given before with another body. Nothing was done."""


class StoreFault(Fault):
    """A store cannot do what was asked. Nothing of the commit was appended."""


class StoreBusy(StoreFault):
    """Somebody else writes to the store: one process, one writer."""


class StoreUnreadable(StoreFault):
    """The store is not ours, of another version, or damaged."""


class StoreFull(StoreFault):
    """There is no room left where the store lies."""


class MissingExtra(Fault):
    """An optional part of Andante is not installed."""
