"""Planning: the main job, from a shop's logs to a pace for every user.

logs → ingest → ledgers → panel → learning → interest → pace; beside it personas, associations and
satisfaction, for people.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import ibis
import numpy as np
from numpy.typing import NDArray

from andante.evaluation.explanation import Plan
from andante.frequency.plan import BudgetPoint, budget_curve, pace, solve_theta
from andante.ingest.load import load_events, load_messages
from andante.ingest.mapping import Mapping
from andante.ingest.quality import Quality
from andante.profiles.associations import Rule, associations
from andante.profiles.features import rhythm
from andante.profiles.ledger import DAYS, ORDERS, PUSHES, fold
from andante.profiles.panel import Calendar, Frame, Panel, calendar, frame, panels
from andante.profiles.personas import Personas, find_personas
from andante.profiles.terms import TERMS
from andante.runners.learning import Learned, learn
from andante.runners.rating import Satisfied, rate
from andante.settings import PlanSettings, Settings
from andante.vocabulary.fault import NotEnoughData

Floats = NDArray[np.float64]

BUDGETS_SHOWN = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0)
"""Budgets to compare with, as multiples of the mean pace."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to run: sources, settings and where bad rows go. ``now`` bounds the times that are believed."""

    events: tuple[str, ...]
    messages: tuple[str, ...]
    settings: Settings
    mapping: Mapping | None
    quarantine: Path
    now: datetime
    response_days: int = 7
    profiles: Path | None = None  # a file that keeps the ledgers, so that a later run reads new rows only


@dataclass(frozen=True, slots=True)
class Planned:
    """All that a run found. Arrays have one entry per user, in the order of ``frame.users``."""

    qualities: tuple[Quality, ...]
    days: Calendar
    frame: Frame
    learned: tuple[Learned, ...]  # the target that drives the plan first
    interest: dict[str, Floats]  # by target
    plan: Plan
    pace: Floats
    budgets: tuple[tuple[BudgetPoint, tuple[float, ...]], ...]  # each with the mean pace of every persona
    personas: Personas
    rules: tuple[Rule, ...]
    rhythm: NDArray[np.int64]  # 7 weekdays from Monday × 24 hours: half-hours with activity
    satisfied: Satisfied | None
    warnings: tuple[str, ...]


def plan_pushes(job: Job, *, progress: Callable[[str], None] = lambda _step: None) -> Planned:
    """Run the main job. Raises the faults of its rooms; ``progress`` is told each step in plain words."""
    settings = job.settings.plan
    with workshop(job) as connection:
        backend = ibis.duckdb.from_connection(connection)
        progress("reading and cleaning")
        qualities = _read(job, connection)
        progress("folding events into days")
        ledgers = _fold(backend, qualities)
        rules = tuple(associations(connection, seed=settings.seed))
        _drop(connection, "events", "messages")
        progress("computing features at every cut-off")
        days = calendar(backend, settings.horizon_days)
        tables = panels(backend, days, response_days=job.response_days)
        now = frame(backend, days.today, seasonal=days.is_seasonal)
        progress("learning and judging interest")
        learned, doubts = _learn(tables, settings)
        progress("finding personas and planning")
        personas = find_personas(now.X, now.names, seed=settings.seed)
        satisfied = rate(backend, now.users, personas.labels, settings) if PUSHES in ledgers else None
        hours = rhythm(backend)
    interest = {part.target: part.interest.predict_proba(now.X)[:, 1] for part in learned}
    plan = _plan(interest[learned[0].target], job.settings)
    return Planned(
        qualities=qualities,
        days=days,
        frame=now,
        learned=learned,
        interest=interest,
        plan=plan,
        pace=pace(interest[learned[0].target], plan.theta, plan.f_base, plan.f_min, plan.f_max),
        budgets=_budgets(interest[learned[0].target], plan, personas),
        personas=personas,
        rules=rules,
        rhythm=hours,
        satisfied=satisfied,
        warnings=(*doubts, *_shortened(days, settings.horizon_days)),
    )


@contextmanager
def workshop(job: Job) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the engine of features within its memory; what does not fit spills into a folder of its own."""
    settings = job.settings.plan
    with tempfile.TemporaryDirectory(prefix="andante-") as scratch, warnings.catch_warnings():
        # ibis calls what duckdb deprecates: ours to follow in their next releases, and nothing that a user could mend.
        warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
        connection = duckdb.connect(job.profiles or ":memory:")
        try:
            connection.execute(f"SET memory_limit = '{settings.memory_max_mib}MiB'")
            connection.execute("SET temp_directory = ?", [str(Path(scratch) / "spill")])
            connection.execute("SET preserve_insertion_order = false")
            if settings.threads is not None:
                connection.execute(f"SET threads = {settings.threads}")
            yield connection
        finally:
            connection.close()


def _read(job: Job, connection: duckdb.DuckDBPyConnection) -> tuple[Quality, ...]:
    """Load events, and messages where there are any."""
    events = load_events(
        connection,
        job.events,
        now=job.now,
        quarantine=job.quarantine / "events.ndjson",
        mapping=job.mapping,
    )
    if not job.messages:
        return (events,)
    messages = load_messages(connection, job.messages, now=job.now, quarantine=job.quarantine / "messages.ndjson")
    return events, messages


def _fold(backend: ibis.BaseBackend, qualities: tuple[Quality, ...]) -> list[object]:
    """Fold the tables into ledgers; words only where the log has queries, since only queries are compared."""
    ledgers = [(DAYS, "events"), (ORDERS, "events")]
    if qualities[0].missing.get("query", 1.0) < 1.0:
        ledgers.append((TERMS, "events"))
    if len(qualities) > 1:
        ledgers.append((PUSHES, "messages"))
    for ledger, table in ledgers:
        fold(backend, ledger, table)
    return [ledger for ledger, _table in ledgers]


def _drop(connection: duckdb.DuckDBPyConnection, *tables: str) -> None:
    """Drop the raw rows: from here on all is read from the ledgers."""
    for table in tables:
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _learn(tables: dict[str, Panel], settings: PlanSettings) -> tuple[tuple[Learned, ...], list[str]]:
    """Learn every target with enough rows: the response to pushes drives the plan where known, else activity."""

    def learn_one(target: str) -> Learned:
        model, folds, seed, threads = settings.model, settings.folds, settings.seed, settings.threads
        return learn(tables[target], model, folds=folds, seed=seed, threads=threads)

    learned, doubts = [learn_one("activity")], []
    if "response" in tables:
        try:
            learned.insert(0, learn_one("response"))
        except NotEnoughData as fault:
            doubts.append(f"The plan rests on activity, not on responses: {fault}.")
    return tuple(learned), doubts


def _plan(interest: Floats, settings: Settings) -> Plan:
    """Fix θ: as given, or so that the mean pace meets the budget, or at the mean interest."""
    asked, budget = settings.plan, settings.budget.per_user_week
    f_base, f_min, f_max = asked.f_base_per_week, asked.f_min_per_week, asked.f_max_per_week
    theta = asked.theta
    if theta is None:
        theta = float(interest.mean()) if budget is None else solve_theta(interest, budget, f_base, f_min, f_max)
    return Plan(f_base=f_base, theta=theta, f_min=f_min, f_max=f_max)


def _budgets(interest: Floats, plan: Plan, personas: Personas) -> tuple[tuple[BudgetPoint, tuple[float, ...]], ...]:
    """Plan for other budgets beside the chosen one."""
    bounds = (plan.f_base, plan.f_min, plan.f_max)
    mean = float(pace(interest, plan.theta, *bounds).mean())
    asked = sorted({round(mean * times, 6) for times in BUDGETS_SHOWN if plan.f_min < mean * times < plan.f_max})
    points = []
    for point in budget_curve(interest, asked, *bounds):
        paces = pace(interest, point.theta, *bounds)
        means = [float(paces[personas.labels == i].mean()) for i in range(len(personas.personas))]
        points.append((point, tuple(means)))
    return tuple(points)


def _shortened(days: Calendar, asked: int) -> list[str]:
    """Say when the log was too short for the horizon asked for."""
    if days.horizon_days == asked:
        return []
    span = (days.end - days.start).days + 1
    return [f"The log spans {span} days: interest looks {days.horizon_days} days ahead, not {asked}."]
