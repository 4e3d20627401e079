"""Configuration: a TOML file or a mapping and the environment in; frozen values or a list of faults out."""

from andante.settings.description import SettingDescription, describe, markdown_table
from andante.settings.loading import faults, load, warnings
from andante.settings.sections import (
    SCHEMA,
    Budget,
    Cap,
    Category,
    Consent,
    EngineSettings,
    Experiment,
    PlanSettings,
    QuietHours,
    Settings,
)

__all__ = [
    "SCHEMA",
    "Budget",
    "Cap",
    "Category",
    "Consent",
    "EngineSettings",
    "Experiment",
    "PlanSettings",
    "QuietHours",
    "SettingDescription",
    "Settings",
    "describe",
    "faults",
    "load",
    "markdown_table",
    "warnings",
]
