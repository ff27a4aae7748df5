"""Sphinx configuration."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pages import PICTURES, pictures_of, run_page

project = "scheduling"
author = "The scheduling authors"
version = release = installed_version("scheduling")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
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


def draw_pictures(app: Sphinx) -> None:
    """Run the pages that draw the pictures they show, and put these where they look for them."""
    # What commands log is not for the build, which would show it among its own warnings.
    logging.getLogger("scheduling").propagate = False
    source = Path(app.srcdir)
    folder = source / PICTURES
    folder.mkdir(exist_ok=True)
    for page in source.rglob("*.md"):
        names = pictures_of(page.read_text(encoding="utf-8"))
        if names:
            with tempfile.TemporaryDirectory() as place:
                run_page(page, Path(place))
                for name in names:
                    shutil.copyfile(Path(place) / name, folder / name)


def setup(app: Sphinx) -> None:
    """Have pictures drawn before pages are read, and sources shown unless the build is a check."""
    app.connect("builder-inited", draw_pictures)
    if not app.tags.has("check"):
        app.setup_extension("sphinx.ext.viewcode")
