"""Settings of the documentation site; `build.py` runs Sphinx with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

import kettrack

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "kettrack"
version = release = kettrack.__version__
# Named where several versions stand beside one another; see versions.py.
shown_version = os.environ.get("DOCS_VERSION", "")
project_copyright = "the kettrack developers, BSD 3-clause licence"
root_doc = "docs/index"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "shown"]

# Notebooks are shown with what they say, and tests hold that; they are not run again.
nb_execution_mode = "off"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
suppress_warnings = ["toc.not_included"] if os.environ.get("DOCS_DRAFT") else []

# Two hyphens stay two: they begin an option.
smartquotes = False

# One backtick in a docstring is code.
default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
add_module_names = False
toc_object_entries = False

html_theme = "furo"
html_title = f"kettrack {shown_version or release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#00507d",
        "color-brand-content": "#00507d",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cc7f2",
        "color-brand-content": "#7cc7f2",
    },
}
templates_path = ["templates"]
if shown_version:
    html_sidebars = {
        "**": [
            "sidebar/brand.html",
            "sidebar/search.html",
            "sidebar/scroll-start.html",
            "sidebar/navigation.html",
            "other_versions.html",
            "sidebar/scroll-end.html",
        ]
    }

# A browser fetches nothing from any other host, whatever a page may say.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; form-action 'self'; base-uri 'none'"
)


def _forbid_other_hosts(
    _app: Any, _page: str, _template: str, context: dict[str, Any], _tree: Any
) -> None:
    tag = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    context["metatags"] = context.get("metatags", "") + tag


def setup(app: Any) -> None:
    """Called by Sphinx."""
    # Pygments has no colours for it.
    app.add_lexer("csv", TextLexer)
    app.connect("html-page-context", _forbid_other_hosts)
