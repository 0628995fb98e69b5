"""Read the cross-section of dark matter from maps of galaxy clusters."""

from importlib import import_module
from importlib.metadata import version

__version__ = version("darkcnn")

# Public names and the module that each comes from. They are imported when first asked for: keras alone
# takes seconds, and simulation, noise and inference do not need it.
_PUBLIC = {
    "CrossSectionPosterior": "inference",
    "DarkCNNClassifier": "classifier",
    "DarkCNNEnsemble": "ensemble",
    "MapScaler": "preprocessing",
    "MapSelector": "preprocessing",
    "RotationFlipAugmenter": "augmentation",
    "WeakLensingNoise": "noise",
    "XrayNoise": "noise",
    "augment": "augmentation",
    "cross_section_of": "records",
    "default_pipeline": "pipeline",
    "label_of": "records",
    "load_model": "saving",
    "run_study": "study",
    "load_notes": "saving",
    "save_model": "saving",
}

__all__ = [*_PUBLIC, "datasets"]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(import_module(f"darkcnn.{_PUBLIC[name]}"), name)
    if name == "datasets":
        return import_module("darkcnn.datasets")
    raise AttributeError(f"module 'darkcnn' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
