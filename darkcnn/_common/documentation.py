"""Documentation links in scikit-learn's estimator diagrams."""

import sys

ADDRESS = "https://darkcnn.readthedocs.io/en/latest"
"""Address of the documentation: `Documentation` under ``[project.urls]`` in pyproject.toml."""


class DocumentationLink:
    """Base class of estimators whose diagram links to their page of the documentation."""

    _doc_link_module = "darkcnn"
    _doc_link_template = ADDRESS + "/api/generated/{page}.html"

    def _doc_link_url_param_generator(self):
        name = type(self).__name__
        package, room, *_ = type(self).__module__.split(".")
        # The root is loaded before any room; importing it here would be circular.
        public = sys.modules[package].__all__
        return {"page": f"{package}.{name}" if name in public else f"{package}.{room}.{name}"}
