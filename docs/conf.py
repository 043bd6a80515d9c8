"""How the site is built: ``uv run --group docs sphinx-build -W docs docs/_build``."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import predclv

project = "predclv"
author = "predclv maintainers"
copyright = "predclv maintainers, MIT licence"
version = release = predclv.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "native_maths",  # the others lie in _ext/
    "pictures",
    "tutorials",
    "local_links",
    "public_members",
]
exclude_patterns = ["_build", "jupyter_execute", "_ext", "_templates", "_static"]
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]  # functions in the configuration of myst-nb: built anew then

# Pages
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks come with their outputs; see _ext/tutorials.py
nb_merge_streams = True
myst_links_external_new_tab = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The reference
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say the types, with shapes and units
autodoc_class_signature = "mixed"
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False  # the template lists them
numpydoc_class_members_toctree = False

# Looks
html_theme = "pydata_sphinx_theme"
html_title = f"predclv {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "native"
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 5,
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "show_toc_level": 2,
}
html_sidebars = {
    page: []
    for page in ("index", "quickstart", "gallery", "glossary", "limits", "speed", "changelog")
}


def _public_namespaces() -> None:
    """Let ``predclv.segments`` be imported by the name that users know it by."""
    for name in predclv._MODULES:
        sys.modules.setdefault(f"predclv.{name}", getattr(predclv, name))


_public_namespaces()
