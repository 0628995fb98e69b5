"""The gallery: the order of its pages, and its figures on other pages."""

import shutil
from pathlib import Path

ORDER = (
    "overview",
    "maps",
    "own_simulation",
    "ten_halos",
    "splits",
    "cross_validate",
    "views",
    "training",
    "grid_search",
    "observations",
    "bullet",
    "inference",
    "sample_size",
    "suites",
    "calibrations",
    "coverage",
    "domain",
    "importance",
)
"""Examples in the order of a user's work."""

OVERVIEW = "sphx_glr_plot_overview_001.png"


def position(name):
    """Return the place of a script; one that is not listed is an error."""
    return ORDER.index(Path(name).stem.removeprefix("plot_"))


def allow_missing_figures(app, config):
    """Without the gallery, its figures are missing on other pages too."""
    if config.plot_gallery in {"0", "False", False}:
        config.suppress_warnings += ["image.not_readable"]


def keep_overview(app):
    """Copy the figure that the gallery has drawn to where the README and the landing page show it."""
    drawn = Path(app.srcdir, "auto_examples", "images", OVERVIEW)
    if drawn.exists():
        shutil.copyfile(drawn, Path(app.srcdir, "_static", "overview.png"))


def setup(app):
    """Connect the functions above."""
    app.connect("config-inited", allow_missing_figures)
    app.connect("builder-inited", keep_overview, priority=900)  # after the gallery
    return {"parallel_read_safe": True, "parallel_write_safe": True}
