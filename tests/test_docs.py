"""The documentation keeps up with the code."""

import re
from pathlib import Path

import pytest

import darkcnn
import darkcnn.datasets
import darkcnn.inspection
import darkcnn.plotting

API = Path(__file__).parents[1] / "docs" / "api" / "index.rst"


PUBLIC = [name for name in darkcnn.__all__ if name != "datasets"]


@pytest.mark.parametrize(
    "name",
    [
        *PUBLIC,
        *(f"datasets.{name}" for name in darkcnn.datasets.__all__),
        *(f"inspection.{name}" for name in darkcnn.inspection.__all__),
        *(f"plotting.{name}" for name in darkcnn.plotting.__all__),
    ],
)
def test_every_public_name_is_on_the_api_page(name):
    assert re.search(rf"^   {re.escape(name)}$", API.read_text(encoding="utf-8"), flags=re.MULTILINE)
