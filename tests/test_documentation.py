from importlib.metadata import metadata

import pytest

import darkcnn
from darkcnn import documentation
from darkcnn.profiles import RadialProfiles

ESTIMATORS = [
    darkcnn.MapSelector(),
    darkcnn.MapScaler(),
    darkcnn.RotationFlipAugmenter(),
    darkcnn.DarkCNNClassifier(),
    darkcnn.DarkCNNEnsemble(),
    darkcnn.WeakLensingNoise(),
    darkcnn.XrayNoise(),
    darkcnn.CrossSectionPosterior(["CDM", "SIDM1"]),
    RadialProfiles(),
]


def page(estimator):
    module = "darkcnn.profiles" if isinstance(estimator, RadialProfiles) else "darkcnn"
    return f"api/generated/{module}.{type(estimator).__name__}.html"


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_diagram_links_to_the_page_of_its_estimator(monkeypatch, estimator):
    monkeypatch.setattr(documentation, "documentation_url", lambda: "https://docs.example")
    assert f'href="https://docs.example/{page(estimator)}"' in estimator._repr_html_()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_diagram_links_nowhere_while_there_is_no_address(monkeypatch, estimator):
    monkeypatch.setattr(documentation, "documentation_url", lambda: None)
    assert "href" not in estimator._repr_html_()


@pytest.mark.parametrize(
    ("entries", "url"),
    [
        ([], None),
        (["Source, https://code.example/darkcnn"], None),
        (
            ["Source, https://code.example", "Documentation, https://docs.example/darkcnn/"],
            "https://docs.example/darkcnn",
        ),
    ],
)
def test_address_is_the_one_that_the_package_declares(monkeypatch, entries, url):
    declared = metadata("darkcnn")
    del declared["Project-URL"]
    for entry in entries:
        declared["Project-URL"] = entry
    monkeypatch.setattr(documentation, "metadata", lambda name: declared)
    assert documentation.documentation_url.__wrapped__() == url
