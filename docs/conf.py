import io
import os
import sys
import warnings
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

sys.path.insert(0, str(Path(__file__).parent))  # where gallery.py is
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # gallery pages show what a script prints
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)  # keras 3.15 with NumPy 2.4

from darkcnn import __version__  # noqa: E402 - after the settings above
from darkcnn.pretrained import PRETRAINED, describe_pretrained  # noqa: E402
from darkcnn.simulation import Physics  # noqa: E402
from darkcnn.simulation.parameters import STATUSES  # noqa: E402

project = "darkcnn"
author = "The darkcnn developers"
copyright = "The darkcnn developers"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "myst_parser",
    "gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "literal"  # `X` in a docstring is code

# The site is built without a network, so names of other libraries are no links.
suppress_warnings = ["ref.citation"]  # the references may list what no page quotes
nitpick_ignore_regex = [(r"py:.*", r"(sklearn|keras|numpy|scipy|matplotlib|astropy)\..*")]

autosummary_generate = True
autodoc_typehints = "none"  # the tables of parameters tell types better
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 100  # longer ones take a line for each parameter
# Methods that scikit-learn adds have texts whose links lead into its own site.
autodoc_default_options = {
    "exclude-members": ", ".join(
        [
            "set_output",
            "get_metadata_routing",
            *(f"set_{verb}_request" for verb in ("fit", "partial_fit", "score", "transform")),
        ]
    )
}
numpydoc_show_class_members = False  # the template of a class shows them
# Of every public object; private helpers are checked less strictly, by `numpydoc lint`.
numpydoc_validation_checks = {
    "all",
    *("ES01", "EX01", "SA01", "YD01"),  # one line can be all there is to say
    *("PR04", "PR08", "RT02", "RT04", "RT05", "SS05"),  # a description may be a formula
}
numpydoc_validation_exclude = {
    r"\.[A-Z_]+$",  # constants
    r"\.[A-Z]\w+\.\w+$",  # methods, which may refer to each other
    # Dataclasses, whose fields are attributes:
    r"\.(ConvergenceMap|CountMap|Coverage|Physics|Scatter|CrossValidation|HeldOutPredictions|StudyStatus)$",
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "api/generated/backreferences",
    "doc_module": "darkcnn",
    "within_subsection_order": "gallery.position",
    "remove_config_comments": True,
    "capture_repr": (),
    "plot_gallery": "True",
    "abort_on_example_error": True,
    "write_computation_times": False,  # that page fetches scripts from elsewhere
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Formulas as MathML, which browsers draw by themselves: MathJax would be fetched from elsewhere.
html_math_renderer = "mathml"

html_theme = "pydata_sphinx_theme"
html_title = "darkcnn"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["darkcnn.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "darkcnn"},
    "navbar_end": ["theme-switcher"],
    "show_prev_next": False,
    "secondary_sidebar_items": {"[!b]**": ["page-toc"]},  # the wide tables of benchmarks need the room
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {
    name: []
    for name in (
        "index",
        "getting_started",
        "auto_examples/*",
        "changelog",
        "versions",
        "contributing",
        "references",
        "faq",
        "glossary",
        "architecture",
        "coming_from_darkcnn",
    )
}


def _formula(as_block):
    def visit(translator, node):
        translator.body.append(tex2mathml(node.astext(), as_block=as_block))
        raise nodes.SkipNode

    return visit, None


def _write_parameters(app):
    """Write the page that lists the parameters of the mock clusters."""
    page = io.StringIO()
    page.write(
        "Parameters of the mock clusters\n===============================\n\n"
        "Fields of :class:`darkcnn.simulation.Physics`. `bounds` is the range in which the formulas are\n"
        "valid; other values raise an error. `spread` is the plausible range in other simulations. For a\n"
        "scatter (±), both are ranges of its size.\n\n"
    )
    page.writelines(f"- *{status}*: {meaning}.\n" for status, meaning in STATUSES.items())
    table = Physics.table()
    for part in dict.fromkeys(table["part"]):
        page.write(f"\n{part}\n{'-' * len(part)}\n\n")
        table[table["part"] == part][table.colnames[1:-1]].write(page, format="ascii.rst")
    target = Path(app.srcdir, "api", "generated", "mock_parameters.rst")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page.getvalue(), encoding="utf-8")


def _score(accuracy):
    """Write an accuracy and its error, which is unknown for a single suite."""
    mean, error = accuracy
    return f"{mean:.3f}" if error is None else f"{mean:.3f} ± {error:.3f}"


def _card(name):
    """Yield the lines of the model card of a packaged network."""
    card = describe_pretrained(name)
    trained = card["trained"]
    suites = trained["suites"]
    yield from (name, "-" * len(name), "")
    for topic, text in (
        ("Use", card["use"]),
        ("Limits", card["limits"]),
        ("Maps", ", ".join(card["maps"])),
        ("Pixels on a side", ", ".join(map(str, card["n_pixels"]))),
        ("Cross-sections", ", ".join(f"{each:g}" for each in card["cross_sections"]) + " cm2/g"),
        (
            "Trained on",
            f"{suites['train']} suites of {trained['halos_of_each']} halos for {trained['epochs']} epochs, "
            f"the last layer on {suites['head']} others; seed {trained['seed']}: ``{trained['by']}``",
        ),
        (
            "Calibrated with",
            f"{sum(suites.values()) - suites['train']} suites of {trained['halos_of_each']} halos that the "
            "network was not trained on",
        ),
        ("Versions", ", ".join(f"{package} {version}" for package, version in card["versions"].items())),
        ("SHA-256", f"``{card['sha256']}``"),
    ):
        yield from (f"**{topic}**", f"   {text}", "")
    yield from (
        f"Accuracy on {suites['score']} suites that were used to train neither the network nor its last "
        "layer, for three models (0, 0.1, 1 cm2/g) and for four (0, 0.1, 0.3, 1 cm2/g). Errors are standard "
        "errors from the scatter between suites.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
    )
    rows = [("Pixels", "Maps", "Three models", "Four models")]
    rows += [
        (row["n_pixels"], ", ".join(row["maps"]), _score(row["accuracy_3"]), _score(row["accuracy_4"]))
        for row in card["scores"]
    ]
    for first, *others in rows:
        yield from (f"   * - {first}", *(f"     - {cell}" for cell in others))
    yield ""


def _write_cards(app):
    """Write the page with the model cards of the packaged networks."""
    title = "Model cards of the packaged networks"
    lines = [title, "=" * len(title), ""]
    for name in PRETRAINED:
        lines += _card(name)
    target = Path(app.srcdir, "api", "generated", "pretrained_networks.rst")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines), encoding="utf-8")


def setup(app):
    """Teach Sphinx to write formulas, the table of parameters and the model cards."""
    app.connect("builder-inited", _write_parameters)
    app.connect("builder-inited", _write_cards)
    app.add_html_math_renderer("mathml", _formula(as_block=False), _formula(as_block=True))
