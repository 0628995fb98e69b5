import pytest

from darkcnn import DarkCNNClassifier


@pytest.fixture(scope="session")
def small():
    """Make a classifier that learns a marked centre in a second."""

    def make(**parameters):
        defaults = {
            "architecture": "simple",
            "network_options": {"width": 0.5},
            "epochs": 8,
            "learning_rate": 5e-3,
            "random_state": 0,
        }
        return DarkCNNClassifier(**{**defaults, **parameters})

    return make


@pytest.fixture(scope="session")
def fitted(small, marked_maps):
    """That classifier, trained on the marked maps."""
    return small().fit(*marked_maps)
