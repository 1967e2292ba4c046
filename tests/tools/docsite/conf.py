# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's settings for the site: `make docs` puts them beside copies of the pages, which lie as in the repository.

Guides and pages name one another by their address in the public repository, which is right wherever they are read: on
the repository's own pages, in Galaxy, on other sites. Here such a link leads to the page of this site.
"""

from __future__ import annotations

import posixpath
import re

from docutils import nodes
from sphinx.application import Sphinx

project = "relocate.django"
author = "The relocate.django authors"
extensions = ["sphinx_antsibull_ext", "myst_parser"]
exclude_patterns = ["README.md"]  # the front page begins with it
html_theme = "furo"
html_title = "relocate.django"
html_theme_options = {
    "source_repository": "https://github.com/relocate-django/relocate.django/",
    # Furo's own grey has too little contrast on code; its links too little on the grey of a code block.
    "light_css_variables": {"color-foreground-muted": "#595f69", "color-brand-primary": "#0b4f9c"},
}
antsibull_ext_color_scheme = "default-autodark"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
myst_heading_anchors = 3
# Where to read on is ansible-core's own site, which a build must not depend on.
suppress_warnings = ["ref.ref", "ref.any", "ref.envvar"]

BLOB = "https://github.com/relocate-django/relocate.django/blob/main/"
#: A link of Markdown to a file, with what follows its name.
_LINK = re.compile(r"\]\((?!\w+:|#|/)([^)\s#]+)(#[^)\s]*)?\)")
_KINDS = (
    (re.compile(r"^README\.md$"), "index"),
    (re.compile(r"^docs/docsite/rst/([\w-]+)\.rst$"), r"reference/docsite/\1"),
    (re.compile(r"^roles/(\w+)/README\.md$"), r"reference/\1_role"),
    (re.compile(r"^plugins/modules/(\w+)\.py$"), r"reference/\1_module"),
    (re.compile(r"^(.+)\.md$"), r"\1"),
)


def page_of(path: str) -> str:
    """Return the name of the page that shows a file of the repository; one may not be there."""
    return next((kind.sub(page, path) for kind, page in _KINDS if kind.match(path)), "")


def absolute(folder: str, text: str) -> str:
    """Return Markdown whose links to files of the repository are addresses.

    :param folder: of the page, below the root of the repository
    """

    def address(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match.group(1)))
        return f"]({BLOB}{path}{match.group(2) or ''})"

    return _LINK.sub(address, text)


#: Pages about plugins begin with a list of their headings, which the theme shows beside the text already.
_CONTENTS = re.compile(r"(?m)^\.\. contents::\n(?: +:.*\n)+")


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = _CONTENTS.sub("", source[0])
    if str(app.env.doc2path(page)).endswith(".md"):
        source[0] = absolute(posixpath.dirname(page), source[0])


def _resolved(app: Sphinx, tree: nodes.document, page: str) -> None:
    for node in tree.findall(nodes.reference):
        path, _hash, place = str(node.get("refuri", "")).partition("#")
        there = page_of(path.removeprefix(BLOB)) if path.startswith(BLOB) else ""
        if there in app.env.found_docs:
            node["refuri"] = app.builder.get_relative_uri(page, there) + (f"#{place}" if place else "")
            node["internal"] = True


def _usable(_app: Sphinx, _page: str, _template: str, context: dict[str, object], _tree: object) -> None:
    """Let those who cannot see or use a mouse get on: captions are headings of a level, long lines can be scrolled."""
    for key, plain, better in (
        ("furo_navigation_tree", 'role="heading"', 'role="heading" aria-level="2"'),
        ("body", '<div class="highlight"><pre>', '<div class="highlight"><pre tabindex="0">'),
        ("body", '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
        ("body", 'aria-role="button" ', ""),
    ):
        context[key] = str(context.get(key) or "").replace(plain, better)


def setup(app: Sphinx) -> dict[str, bool]:
    """Have links resolved."""
    app.connect("source-read", _read)
    app.connect("doctree-resolved", _resolved)
    app.connect("html-page-context", _usable, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}
