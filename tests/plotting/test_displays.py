"""What all displays have in common."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.utils import Bunch

from darkcnn import plotting
from darkcnn.plotting import as_figure
from darkcnn.plotting.canvas import class_styles, plain


def importance(**fields):
    return Bunch(importances_error=np.full((2, 3), 0.1), names=["total", "xray"], **fields)


@pytest.fixture
def displays(clusters):
    """One of each."""
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 1, 11)
    return {
        "CrossSectionConfusionDisplay": plotting.CrossSectionConfusionDisplay(np.eye(2), ["CDM", "SIDM1"]),
        "EmbeddingDisplay": plotting.EmbeddingDisplay(
            rng.random((4, 2)), np.array(["CDM", "SIDM1"] * 2), [0.7, 0.2]
        ),
        "ImportanceDisplay": plotting.ImportanceDisplay(
            importance(importances_mean=np.ones((2, 3)), edges=np.arange(4), scoring="accuracy")
        ),
        "ImportanceMapsDisplay": plotting.ImportanceMapsDisplay(
            importance(importances_mean=np.ones((5, 2, 4, 4)), unit="loss")
        ),
        "NoiseDisplay": plotting.NoiseDisplay({"a": [1, 2]}, {"a": [0.4, 0.5]}, xlabel="ks"),
        "PosteriorDisplay": plotting.PosteriorDisplay(
            grid, np.ones(11), np.array([0, 0.1, 1]), intervals={0.68: (0.2, np.inf)}, median=0.5, truth=0.3
        ),
        "RecordsDisplay": plotting.RecordsDisplay(clusters.data[:2]),
        "ReliabilityDisplay": plotting.ReliabilityDisplay(
            np.array([0.5, 0.9]), np.array([0.4, 0.9]), np.array([[0.3, 0.5], [0.8, 1]]), 0.1
        ),
        "TrainingDisplay": plotting.TrainingDisplay({"loss": [1, 0.5], "accuracy": [0.5, 0.6]}),
        "ViewsDisplay": plotting.ViewsDisplay(rng.random((3, 8, 8, 2))),
    }


NAMES = [name for name in plotting.__all__ if name.endswith("Display")]


@pytest.mark.parametrize("name", NAMES)
def test_plot_draws_anywhere_and_returns_the_display(displays, name):
    display = displays[name]
    assert display.plot() is display
    assert display.figure_ in map(plt.figure, plt.get_fignums())
    _, (left, right) = plt.subplots(1, 2, layout="constrained")
    display.plot(ax=left)
    assert display.figure_ is left.figure
    assert not right.has_data()
    display.figure_.draw_without_rendering()


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_says_what_it_shows(displays, name):
    figure = as_figure(displays[name])
    figure.draw_without_rendering()
    bottom, left = [], []
    for ax in figure.axes:
        position = ax.get_subplotspec()
        if position is not None and ax.axison and not hasattr(ax, "_colorbar"):
            bottom += [ax.get_xlabel()] if position.is_last_row() else []
            left += [ax.get_ylabel()] if position.is_first_col() else []
    assert bottom
    assert all(bottom)
    assert left
    assert all(left) or name == "ImportanceDisplay"


def test_as_figure_leaves_pyplot_alone(displays):
    figure = as_figure(displays["RecordsDisplay"], cmap="cividis")
    assert isinstance(figure, Figure)
    assert not plt.get_fignums()
    assert tuple(figure.get_size_inches()) == pytest.approx(displays["RecordsDisplay"].figsize)


def test_matplotlib_is_an_extra():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from darkcnn.plotting import TrainingDisplay\n"
        "display = TrainingDisplay({'loss': [1], 'accuracy': [0]})\n"
        "try: display.plot()\n"
        "except ImportError as error: print(error)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == 'displays need matplotlib: run pip install "darkcnn[plot]"\n'


def test_neighbouring_classes_differ_in_grey_too():
    labels = ["CDM", "SIDM0.1", "SIDM0.3", "SIDM1"]
    styles = class_styles(labels)
    grey = [np.dot(styles[label]["color"][:3], [0.3, 0.59, 0.11]) for label in labels]
    assert (np.diff(grey) > 0.1).all()
    assert len({styles[label]["marker"] for label in labels}) == 4


@pytest.mark.parametrize("name", ["$", "$\\frac{$", "<b>"])
def test_names_are_text_whatever_they_hold(name):
    display = plotting.CrossSectionConfusionDisplay(np.eye(2), ["CDM", name], estimator_name=name)
    figure = as_figure(display)
    figure.draw_without_rendering()
    assert plain(name) in [label.get_text() for label in display.ax_.get_xticklabels()]
