"""Links from scikit-learn's diagrams of estimators to this library's documentation."""

import sys

ADDRESS = "https://darkcnn.readthedocs.io/en/latest"
"""Where the site is read: `Documentation` under ``[project.urls]`` in pyproject.toml."""


class DocumentationLink:
    """Base class of estimators whose diagram links to their page of the documentation.

    Nothing else belongs here: what estimators do is said where they are.
    """

    _doc_link_module = "darkcnn"
    _doc_link_template = ADDRESS + "/api/generated/{page}.html"

    def _doc_link_url_param_generator(self):
        name = type(self).__name__
        package, room, *_ = type(self).__module__.split(".")
        # The root is loaded before any room; importing it here would make the rooms depend on it.
        public = sys.modules[package].__all__
        return {"page": f"{package}.{name}" if name in public else f"{package}.{room}.{name}"}
