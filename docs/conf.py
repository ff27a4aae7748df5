"""Sphinx configuration."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "scheduling"
author = "The scheduling authors"
version = release = installed_version("scheduling")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
# The table is a part of the page of the atlas, which includes it.
exclude_patterns = ["_build", "atlas-table.md"]
html_theme = "furo"
html_title = f"scheduling {release}"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_default_options = {"members": True, "exclude-members": "model_config, model_post_init"}
