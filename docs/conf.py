"""How the documentation is built: Sphinx with MyST and furo, strictly, and without network."""

from importlib.metadata import version as version_of
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

from andante.vocabulary import fault

project = "Andante"
author = "The Andante developers"
copyright = "The Andante developers"
version = release = version_of("andante")
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Andante {version}"

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {
    "members": True,
    # scikit-learn gives these to every estimator, with docstrings that refer to its own pages.
    "exclude-members": "set_fit_request, set_score_request, set_predict_request, set_partial_fit_request",
}
python_maximum_signature_line_length = 100

# With -n every type in a signature must resolve. The build needs no network, so there is no inventory of other
# projects to resolve theirs by: names that begin with one of these are taken as they stand; all others are checked.
OTHERS = (
    "numpy",
    "np",
    "collections",
    "pathlib",
    "datetime",
    "ibis",
    "_duckdb",
    "pyarrow",
    "ArrayLike",
    "NDArray",
    "sklearn",
)
# Where annotations are not evaluated, signatures show a name as its module knows it.
BY_NAME = (
    *("Path", "Ints", "Int64s", "UInt8s", "Floats", "Mask", "Told", "Asked", "Happened", "Came", "timedelta"),
    *("Service", "Route", "Letters", "Call", "Beside", "BaseRoute", "httpx", "_asyncio"),
    *("Config", "Seat", "Face", "Auditing", "Person", "AbstractContextManager", "Clock", "Switching", "SurveyLike"),
    *("Filed", "Size", "Stop", "OperatorSettings", "Act", "KeptHead", r"andante\.operators\.launch\.Stop"),
    *(r"dict\[str", r"msgspec\.Meta", r"sqlite3\.Connection"),
    # Parts of the service and of the client that their pages leave out.
    *(r"andante\.service\.(tokens|collector)", r"andante\.client\.patience"),
)
nitpick_ignore_regex = [("py:class", rf"({'|'.join((*OTHERS, *BY_NAME))})(\..*)?")]
suppress_warnings = ["ref.python"]  # two rooms may each have an Interval: the reader knows which is meant
# Docstrings name faults by their short names, as the reader knows them.
nitpick_ignore = [("py:class", "andante.baselines.sweep.Option")]  # a type variable
nitpick_ignore += [("py:class", name) for name, kind in vars(fault).items() if isinstance(kind, type)]

# numpy's aliases are unions of dozens of words once they are evaluated: signatures show the alias.
ALIASES = {stringify_annotation(ArrayLike, "smart"): "ArrayLike"} | {
    stringify_annotation(NDArray[kind], "smart"): f"NDArray[np.{kind.__name__}]"
    for kind in (np.float64, np.int64, np.int32, np.uint32, np.void, np.bool_, np.str_, np.object_, np.datetime64)
}


def setup(app: Sphinx) -> None:
    """Shorten signatures as they are made."""
    app.connect("autodoc-process-signature", _shortened)


def _shortened(*event: Any) -> tuple[str | None, str | None]:
    """Write numpy's aliases by their names in a signature and its return type."""
    return _named(event[-2]), _named(event[-1])


def _named(text: str | None) -> str | None:
    for long, short in ALIASES.items():
        text = text and text.replace(long, short)
    return text
