"""The documentation keeps up with the code, and all that it shows runs."""

import argparse
import ast
import dataclasses
import inspect
import re
import runpy
import shlex
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner
from numpydoc.validate import validate

import darkcnn
import darkcnn.datasets
import darkcnn.plotting
from darkcnn.cli import main
from darkcnn.report import page as report_page

ROOT = Path(__file__).parents[1]
API = ROOT / "docs" / "api" / "index.rst"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.rst")), *sorted(ROOT.glob("docs/guide/*.rst"))]

# What is done to examples that take minutes: trained for one epoch, simulated in small.
SHORTER = [(r"epochs=\d+", "epochs=1"), (r'"polar", random_state', '"polar", epochs=1, random_state')]

PUBLIC = {name: name for name in darkcnn.__all__ if not inspect.ismodule(getattr(darkcnn, name))}
for module in (
    "datasets",
    "inference",
    "inspection",
    "networks",
    "noise",
    "observations",
    "plotting",
    "pretrained",
    "report",
    "training",
):
    for name in import_module(f"darkcnn.{module}").__all__:
        PUBLIC.setdefault(name, f"{module}.{name}")

# Checks of numpydoc that are not ours, see docs/conf.py.
OPTIONAL = {"ES01", "SA01", "YD01", "PR04", "PR08", "RT02", "RT04", "RT05", "SS05"}


def documented():
    """Yield the name of every public object, with the checks of numpydoc that it need not pass."""
    listed = re.findall(r"^   ([\w.]+)$", API.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for name in sorted({*PUBLIC.values(), *listed}):
        module, _, attribute = f"darkcnn.{name}".rpartition(".")
        public = getattr(import_module(module), attribute)
        if not inspect.isclass(public) and not inspect.isroutine(public):
            continue  # a constant has no docstring of its own
        is_record = dataclasses.is_dataclass(public)
        is_result = is_record and "Attributes\n" in inspect.getdoc(public)
        # numpydoc does not know that fields are parameters; a result is shown where it is made.
        exempt = {"PR01"} if is_record else set()
        yield f"darkcnn.{name}", exempt | ({"EX01"} if is_result else set())
        for member in vars(public) if inspect.isclass(public) else ():
            value = inspect.getattr_static(public, member)
            is_first = not any(hasattr(base, member) for base in public.__mro__[1:])  # else documented there
            is_code = inspect.isroutine(value) or hasattr(value, "__get__")
            if not member.startswith("_") and is_first and is_code:
                yield f"darkcnn.{name}.{member}", {"EX01"}  # the example of the class will do


def blocks(language):
    """Return the blocks of code in a language on all pages, each with the name of its page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if page.suffix == ".md":
            code = re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
        else:
            directive = rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)"
            code = [
                re.sub("^   ", "", block, flags=re.MULTILINE) for block in re.findall(directive, text, re.M)
            ]
        if code:
            found.append(pytest.param(code, id=page.name))
    return found


@pytest.mark.parametrize("name", PUBLIC.values())
def test_every_public_name_is_on_the_api_page(name):
    assert re.search(rf"^   {re.escape(name)}$", API.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize(("name", "exempt"), list(documented()))
def test_every_public_docstring_is_complete(name, exempt):
    """Parameters, types, returns and an example; of methods all but the example."""
    faults = [fault for fault in validate(name)["errors"] if fault[0] not in OPTIONAL | exempt]
    assert faults == []


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in code:
        for pattern, replacement in SHORTER:
            block = re.sub(pattern, replacement, block)
        exec(compile(block, "block of code", "exec"), namespace)


@pytest.fixture(scope="module")
def commands_run():
    """Return what earlier pages have run."""
    return set()


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("console"))
def test_commands_run_in_their_order(code, commands_run, monkeypatch, tmp_path):
    """Run all commands of darkcnn on a page, made shorter by options that come last.

    The command without arguments, which neither reads nor writes what others do, is run once for all pages.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report_page, "_N_MISTAKES", 1)  # figures of misclassified clusters are alike
    darkcnn.datasets.save_clusters(
        "other_clusters.h5", darkcnn.datasets.make_clusters(12, redshifts=(0.25,), random_state=1)
    )
    lines = [line[2:] for block in code for line in block.splitlines() if line.startswith("$ ")]
    commands = dict.fromkeys(line.split("&&")[-1].split(">")[0].strip() for line in lines)
    for command in commands:
        if not command.startswith("darkcnn"):
            continue  # pip, pytest and tox: CI itself
        if command == "darkcnn" and command in commands_run:
            continue
        commands_run.add(command)
        words = shlex.split(command)[1:]
        first = words[0] if words and not words[0].startswith("-") else None
        if first == "simulate":
            words += ["--n-halos", "12"]
        elif first in (None, "cross-validate", "fit") and not {"-h", "--pretrained"} & set(words):
            words += ["-n", "1", "--views", "1"] + ([] if first == "fit" else ["-t", "0.5"])
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, f"{command}\n{result.output}"


def test_snippets_of_the_contributing_guide_are_true(clusters):
    """Run them with the imports that their files would have, and use what they make."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    imports = (
        "import keras, numpy as np\nfrom numbers import Real\n"
        "from darkcnn._common.sklearn_private import Interval\n"
        "from darkcnn.networks.head import classify\n"
        "from darkcnn.networks.layers import make_convolve, map_input\n"
        "from darkcnn.noise.base import RecordNoise\nfrom darkcnn.plotting.canvas import LINES, single\n"
    )
    namespace = {}
    exec("\n".join([imports, *re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)]), namespace)
    assert namespace["tiny"]((20, 20, 3), 4).output_shape == (None, 4)
    noise = namespace["StellarNoise"](0.1, random_state=0)
    change = noise.fit_transform(clusters.data)["stellar"] - clusters.data["stellar"]
    assert abs(change.std() - 0.1) < 0.01
    figure = darkcnn.plotting.as_figure(namespace["MassDisplay"](clusters.data["log_mass"]))
    assert figure.axes[0].get_xlabel() == "log10 of M200 [Msun]"


def benchmark_commands():
    """Return the commands that the pages of benchmarks say they were made with."""
    pages = [page.read_text(encoding="utf-8") for page in sorted(ROOT.glob("docs/benchmarks/*.md"))]
    pages = [page.replace("\\\n", "") for page in pages]  # lines that continue on the next one
    return [line for page in pages for line in re.findall(r"^\$ python (benchmarks/.*)$", page, flags=re.M)]


@pytest.mark.slow
@pytest.mark.parametrize("command", benchmark_commands())
def test_commands_of_benchmarks_are_understood(command, monkeypatch):
    """They take hours; here, their options are read."""

    class UnderstoodError(Exception):
        pass

    def parse_args(parser):
        _, unknown = parser.parse_known_args()
        assert unknown == []
        raise UnderstoodError

    script, *options = shlex.split(command)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    monkeypatch.setattr("sys.argv", [script, *options])
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))  # as for a script, which may import its neighbours
    with pytest.raises(UnderstoodError):
        runpy.run_path(str(ROOT / script))["main"]()


def test_no_block_of_code_is_left_out():
    """All are tested here or as doctests; the pages themselves say of which texts that they are not."""
    paths = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    doctested = [ROOT / path for path in paths["tool"]["pytest"]["ini_options"]["testpaths"]]
    for page in [*PAGES, *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        text = page.read_text(encoding="utf-8")
        languages = set(re.findall(r"^ *(?:\.\. code-block:: |```)(\w+)", text, flags=re.M))
        assert languages <= {"python", "console", "text"}, page
        if "code-block:: text" in text:
            assert re.search("not run|run equivalent code|say otherwise", text), page
        if ">>> " in text:
            assert any(page.is_relative_to(path) for path in doctested), page
    skipped = [
        line
        for pattern in ("docs/**/*.rst", "darkcnn/**/*.py")
        for page in ROOT.glob(pattern)
        for line in page.read_text(encoding="utf-8").splitlines()
        if "doctest: +SKIP" in line
    ]
    assert all("savefig(" in line for line in skipped)  # nothing is written into the folder of a reader


def test_every_link_of_the_readme_leads_to_a_file():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r'\]\(([^)#]+)\)|src="([^"]+)"', text)
    paths = [first or second for first, second in targets if ":" not in first + second]
    assert "docs/_static/overview.png" in paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_example_has_a_place_in_the_gallery():
    order = runpy.run_path(str(ROOT / "docs" / "gallery.py"))["ORDER"]
    assert sorted(order) == sorted(
        path.stem.removeprefix("plot_") for path in ROOT.glob("examples/plot_*.py")
    )


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in ROOT.glob("examples/plot_*.py")]
)
def test_examples_import_names_that_exist(path):
    """The documentation runs them, which takes minutes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("darkcnn"):
            missing = [each.name for each in node.names if not hasattr(import_module(node.module), each.name)]
            assert missing == []
