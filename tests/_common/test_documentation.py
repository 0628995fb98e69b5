import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import darkcnn
from darkcnn._common.documentation import ADDRESS
from darkcnn.inference import DomainTest
from darkcnn.preprocessing import RadialProfiles

ROOT = Path(__file__).parents[2]


def on_the_api_page():
    """Return all public estimators, each with the name by which the API page lists it."""
    found = {}
    names = re.findall(r"^   ([\w.]+)$", (ROOT / "docs" / "api" / "index.rst").read_text(), flags=re.M)
    for name in names:
        module, _, attribute = f"darkcnn.{name}".rpartition(".")
        public = getattr(import_module(module), attribute)
        if isinstance(public, type) and issubclass(public, BaseEstimator):
            found[name] = public
    return found


@pytest.mark.parametrize(("name", "estimator"), on_the_api_page().items(), ids=lambda value: str(value))
def test_every_estimator_knows_its_page(name, estimator):
    assert estimator.__new__(estimator)._get_doc_link() == f"{ADDRESS}/api/generated/darkcnn.{name}.html"


@pytest.mark.parametrize(
    "estimator",
    [
        darkcnn.default_pipeline("simple", noise=[darkcnn.WeakLensingNoise(), darkcnn.XrayNoise()]),
        darkcnn.DarkCNNEnsemble(),
        darkcnn.CrossSectionPosterior(["CDM", "SIDM1"]),
        DomainTest(),
        RadialProfiles(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_diagram_links_to_the_pages_of_its_steps(estimator):
    diagram = estimator._repr_html_()
    for step in dict(getattr(estimator, "steps", [("", estimator)])).values():
        assert f'href="{step._get_doc_link()}"' in diagram


def test_address_is_the_one_that_the_package_declares():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert declared["project"]["urls"]["Documentation"] == ADDRESS
