"""Baselines for networks: the majority class, and a linear classifier of radial profiles."""

from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from darkcnn.model_selection import cross_validate_by_cluster
from darkcnn.networks import name_of
from darkcnn.preprocessing import MapSelector, profile_baseline
from darkcnn.pretrained import FineTuned, PretrainedEmbedding, read_pretrained
from darkcnn.records import join_labels, split_labels

MAJORITY, PROFILES = "majority", "radial profiles"
"""Names of the baselines: the majority class, and a linear classifier of radial profiles."""


def baselines(pipeline):
    """Return baselines for a network, with the same maps and attributes.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Pipeline with a :class:`~darkcnn.MapSelector`, which the baselines share with all steps before it, or
        that starts with a :class:`~darkcnn.pretrained.PretrainedEmbedding`, whose maps they share.

    Returns
    -------
    dict of str to estimator
        Majority class, and :func:`~darkcnn.profile_baseline`.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.report import baselines
    >>> list(baselines(default_pipeline()))
    ['majority', 'radial profiles']
    """
    if isinstance(pipeline[0], PretrainedEmbedding):
        shared = [("select", MapSelector(maps=pipeline[0].maps))]
    else:
        last = [isinstance(step, MapSelector) for _, step in pipeline.steps].index(True)
        shared = [(name, clone(step)) for name, step in pipeline.steps[: last + 1]]
    return {
        MAJORITY: DummyClassifier(),
        PROFILES: Pipeline([*shared, *profile_baseline().steps]),
    }


def compare_with_baselines(model, clusters, *, name=None, others=None, **options):
    """Cross-validate a network and its baselines on the same halos.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        Pipeline, see :func:`baselines`; it is cloned.
    clusters : sklearn.utils.Bunch
        Labelled clusters from a loader.
    name : str or None, default=None
        Name of the network in the result; None for the name of its architecture.
    others : dict of str to estimator or None, default=None
        Further estimators, by name.
    **options
        Options of :func:`darkcnn.model_selection.cross_validate_by_cluster`.

    Returns
    -------
    CrossValidation
        Cross-validation of the baselines, the other estimators and, last, the network. Labels include
        feedback if those of a fitted model do.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.report import compare_with_baselines
    >>> clusters = make_clusters(6, cross_sections=(0, 1), redshifts=(0,), n_pixels=20, random_state=0)
    >>> model = default_pipeline("simple", n_views=1, epochs=1, random_state=0)
    >>> list(compare_with_baselines(model, clusters, n_splits=2, random_state=0).scores)
    ['majority', 'radial profiles', 'simple']
    """
    target = clusters.target
    if has_feedback(getattr(model, "classes_", [])):
        target = join_labels(target, clusters.feedback)
    name = architecture_name(model) if name is None else name
    estimators = {**baselines(model), **(others or {}), name: clone(model)}
    return cross_validate_by_cluster(estimators, clusters.data, target, clusters.groups, **options)


def has_feedback(labels):
    """Return whether any label has feedback other than fiducial."""
    return bool(set(split_labels(labels)[1]) - {"fiducial"})


def architecture_name(model):
    """Return the name of the network of a pipeline."""
    if isinstance(model[0], PretrainedEmbedding):
        return f"pretrained {read_pretrained(model[0].name).card['architecture']}"
    architecture = name_of(getattr(model[-1], "architecture", type(model[-1])))
    if isinstance(architecture, FineTuned):
        return f"fine-tuned {architecture.architecture}"
    return architecture if isinstance(architecture, str) else architecture.__name__
