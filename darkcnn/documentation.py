"""Links from scikit-learn's diagrams of estimators to this library's documentation."""

from functools import cache
from importlib.metadata import metadata

import darkcnn


@cache
def documentation_url():
    """Return where the documentation is published, as pyproject.toml declares it; None if it does not."""
    for entry in metadata("darkcnn").get_all("Project-URL", []):
        name, url = entry.split(", ")
        if name == "Documentation":
            return url.rstrip("/")
    return None


class DocumentationLink:
    """Base class of estimators whose diagram links to their page of the documentation.

    Nothing else belongs here: what estimators do is said where they are.
    """

    _doc_link_module = "darkcnn"

    @property
    def _doc_link_template(self):
        url, name = documentation_url(), type(self).__name__
        if url is None:
            return ""  # no link is better than a dead one
        module = "darkcnn" if name in darkcnn.__all__ else type(self).__module__
        return f"{url}/api/generated/{module}.{name}.html"
