import re
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder

import darkcnn

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def loaded_after(statement):
    """Names of the modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_light_imports_stay_light():
    statements = [
        "import darkcnn",
        "from darkcnn.datasets import make_clusters",
        "from darkcnn import MapSelector, label_of",
        "import darkcnn.cli, darkcnn.inference, darkcnn.noise",
        "import darkcnn.plotting, darkcnn.inspection",
        "darkcnn.plotting, darkcnn.inference, darkcnn.noise, darkcnn.inspection",
    ]
    assert not {"keras", "tensorflow", "matplotlib"} & loaded_after("; ".join(statements))


def test_import_of_package_and_command_loads_no_library():
    """The help of the command appears at once."""
    assert not {"numpy", "sklearn", "scipy", "astropy"} & loaded_after("import darkcnn, darkcnn.cli")


def test_every_public_name_is_there():
    for name in darkcnn.__all__:
        assert getattr(darkcnn, name) is not None
    assert set(darkcnn.__all__) <= set(dir(darkcnn))


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        darkcnn.nonsense  # noqa: B018 - the attribute access is what is tested


def test_the_version_is_the_same_everywhere():
    recipe, citation = (ROOT / name for name in ("packaging/recipe.yaml", "CITATION.cff"))
    assert darkcnn.__version__ == PROJECT["version"]
    assert f'  version: "{PROJECT["version"]}"\n' in recipe.read_text(encoding="utf-8")
    assert f"\nversion: {PROJECT['version']}\n" in citation.read_text(encoding="utf-8")


def test_the_conda_recipe_requires_what_the_package_requires():
    recipe = (ROOT / "packaging" / "recipe.yaml").read_text(encoding="utf-8")
    run = recipe.split("  run:\n")[1].split("\ntests:")[0]
    required = dict(re.findall(r"^ +- ([\w-]+) ([^#\n]+?) *(?:#.*)?$", run, flags=re.MULTILINE))
    assert required.pop("python") == ">=${{ python_min }}"
    assert f'python_min: "{PROJECT["requires-python"].removeprefix(">=")}"' in recipe
    names = {"opencv-python-headless": "py-opencv", "matplotlib": "matplotlib-base"}
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["plot"]]
    wanted = dict(re.match(r"([\w-]+)(.*)", each).groups() for each in wanted)
    assert required == {names.get(name, name): version for name, version in wanted.items()}


def test_tox_pins_what_the_package_says():
    """In the environment "lint" the versions of the extra, in the oldest one the lower bounds."""
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    extras = PROJECT["optional-dependencies"]
    assert sorted(tox["testenv:lint"]["deps"].split()) == sorted(extras["lint"])
    bounds = [each.split(">=") for each in [*PROJECT["dependencies"], *extras["plot"]] if ">=" in each]
    oldest = {f"{name}=={bound.split(',')[0]}.*" for name, bound in bounds}
    assert oldest <= set(tox["testenv:py311-oldest"]["deps"].split())


def test_the_sdist_contains_all_that_tests_and_documentation_need():
    files = {each.distribution_path for each in SdistBuilder(str(ROOT)).recurse_included_files()}
    assert {"tests/conftest.py", "docs/conf.py", "examples/README.txt", "packaging/recipe.yaml"} <= files
    assert {"README.md", "CHANGELOG.md", "CITATION.cff", "tox.ini"} <= files  # the others are always in
    for folder in ("darkcnn", "tests", "benchmarks"):
        python = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}
        assert python - files == set()
    assert not [name for name in files if "/_build/" in name or name.endswith(".pyc")]


@pytest.mark.slow
def test_worker_processes_are_silent():
    code = (
        "import numpy as np; from joblib import Parallel, delayed\n"
        "def f():\n"
        "    import darkcnn; return darkcnn.DarkCNNClassifier().epochs\n"
        "print(Parallel(2)(delayed(f)() for _ in range(2)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[20, 20]\n"
    assert run.stderr == ""
