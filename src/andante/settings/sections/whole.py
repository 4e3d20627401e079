"""All sections together.

To add a section, write its class in this folder and give :class:`Settings` a field of that type: reading, environment
variables, faults, did-you-mean and the documentation's table follow from it. Every field says what it means, on whose
clock it runs and what it counts.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer

from andante.settings.sections.channels import AnyChannel
from andante.settings.sections.delivery import DeliverySettings
from andante.settings.sections.learning import Learning
from andante.settings.sections.limits import Cap, Category, Consent, Duplicates, Gap, QuietHours, Users
from andante.settings.sections.operators import OperatorSettings
from andante.settings.sections.pace import Budget, Experiment, Pacing
from andante.settings.sections.running import EngineSettings, Log, PlanSettings
from andante.settings.sections.service import Service
from andante.settings.sections.stream import Stream
from andante.settings.sections.values import Section, frozen
from andante.settings.sections.vendors import VendorQuota

SCHEMA = 1
"""Version of the settings' shape; raised when a key changes its meaning."""

_Name = Annotated[str, Field(min_length=1)]
_ByName = (AfterValidator(frozen), PlainSerializer(dict, return_type=dict[str, Any]))


class Settings(Section):
    """The whole configuration; absent sections take their defaults. See :func:`andante.settings.load`."""

    consent: Consent = Consent()
    budget: Budget = Budget()
    caps: Annotated[tuple[Cap, ...], Field(strict=False)] = ()
    gap: Gap = Gap()
    duplicates: Duplicates = Duplicates()
    quiet_hours: QuietHours | None = None
    users: Users = Users()
    categories: Annotated[dict[_Name, Category], *_ByName] = Field(default_factory=lambda: frozen({}))  # type: ignore[arg-type]
    vendor_quotas: Annotated[dict[_Name, VendorQuota], *_ByName] = Field(default_factory=lambda: frozen({}))  # type: ignore[arg-type]
    pacing: Pacing = Pacing()
    learning: Learning = Learning()
    experiment: Experiment = Experiment()
    engine: EngineSettings = EngineSettings()
    log: Log = Log()
    service: Service = Service()
    stream: Stream = Stream()
    delivery: DeliverySettings = DeliverySettings()
    operators: OperatorSettings = OperatorSettings()
    channels: Annotated[dict[_Name, AnyChannel], *_ByName] = Field(default_factory=lambda: frozen({}))  # type: ignore[arg-type]
    plan: PlanSettings = PlanSettings()
