import subprocess
import sys

import pytest

import darkcnn


def loaded_after(statement):
    """Names of the modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


@pytest.mark.parametrize(
    "statement",
    [
        "import darkcnn",
        "from darkcnn.datasets import make_clusters",
        "from darkcnn import MapSelector, label_of",
        "import darkcnn.cli, darkcnn.inference, darkcnn.noise",
        "import darkcnn.plotting, darkcnn.inspection",
        "import darkcnn; darkcnn.plotting, darkcnn.inference, darkcnn.noise, darkcnn.inspection",
    ],
)
def test_light_imports_stay_light(statement):
    assert not {"keras", "tensorflow", "matplotlib"} & loaded_after(statement)


def test_import_of_the_package_alone_loads_no_library():
    assert not {"numpy", "sklearn", "scipy", "astropy"} & loaded_after("import darkcnn")


def test_every_public_name_is_there():
    for name in darkcnn.__all__:
        assert getattr(darkcnn, name) is not None
    assert set(darkcnn.__all__) <= set(dir(darkcnn))


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        darkcnn.nonsense  # noqa: B018 - the attribute access is what is tested


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
