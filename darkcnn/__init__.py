"""Infer the dark-matter self-interaction cross-section from maps of galaxy clusters."""

from importlib import import_module

from darkcnn._common.versions import __version__  # noqa: F401 - public

# Public names by room, imported lazily: keras alone takes seconds, and simulation, noise and inference do
# not need it.
_ROOMS = {
    "inference": ["CrossSectionPosterior"],
    "model_selection": ["DarkCNNEnsemble", "run_study"],
    "noise": ["WeakLensingNoise", "XrayNoise"],
    "persistence": ["load_model", "load_notes", "save_model"],
    "pipeline": ["default_pipeline"],
    "preprocessing": [
        "MapScaler",
        "MapSelector",
        "RadialProfiles",
        "RotationFlipAugmenter",
        "augment",
        "profile_baseline",
    ],
    "pretrained": ["load_pretrained"],
    "records": ["ObservedRecords", "cross_section_of", "label_of"],
    "training": ["DarkCNNClassifier"],
    "cosmology": [],
    "datasets": ["make_records"],
    "inspection": [],
    "networks": [],
    "observations": [],
    "plotting": [],
    "report": [],
    "simulation": [],
}
_PUBLIC = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [*_PUBLIC, *_ROOMS]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(import_module(f"darkcnn.{_PUBLIC[name]}"), name)
    if name in _ROOMS:
        return import_module(f"darkcnn.{name}")
    raise AttributeError(f"module 'darkcnn' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
