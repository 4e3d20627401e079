"""The settings as frozen typed values: one class per section of the file, one documented field per key."""

from andante.settings.sections.channels import KINDS, ChannelOptions, PluginOptions
from andante.settings.sections.learning import Learning, RefusalWeights, VisitWeights
from andante.settings.sections.limits import (
    REMEMBERED_SENDS,
    WINDOW_MAX,
    Cap,
    Category,
    Consent,
    Duplicates,
    Gap,
    QuietHours,
    Users,
)
from andante.settings.sections.pace import Budget, Experiment, Pacing
from andante.settings.sections.running import EngineSettings, Log, PlanSettings
from andante.settings.sections.values import iso_duration
from andante.settings.sections.vendors import VendorQuota, quota_of
from andante.settings.sections.whole import SCHEMA, Settings

__all__ = [
    "KINDS",
    "REMEMBERED_SENDS",
    "SCHEMA",
    "WINDOW_MAX",
    "Budget",
    "Cap",
    "Category",
    "ChannelOptions",
    "Consent",
    "Duplicates",
    "EngineSettings",
    "Experiment",
    "Gap",
    "Learning",
    "Log",
    "Pacing",
    "PlanSettings",
    "PluginOptions",
    "QuietHours",
    "RefusalWeights",
    "Settings",
    "Users",
    "VendorQuota",
    "VisitWeights",
    "iso_duration",
    "quota_of",
]
