"""How the documentation is built: Sphinx with MyST and furo, strictly, and without network."""

from importlib.metadata import version as version_of

project = "Andante"
author = "The Andante developers"
copyright = "The Andante developers"
version = release = version_of("andante")
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Andante {version}"

# The page of results lists what `andante bench --write` left behind: before the first run there is nothing.
suppress_warnings = ["toc.empty_glob"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "show-inheritance": True}
python_maximum_signature_line_length = 100

# With -n every type in a signature must resolve. There is no inventory of other projects to resolve theirs by, since the build
# needs no network: their names are taken as they stand, and only names of Andante itself are checked.
nitpick_ignore_regex = [
    ("py:.*", r"(?!andante\.).*"),
]
