"""Importance of maps, annuli and attributes for a report, on a limited number of halos."""

import copy

import numpy as np
from sklearn.utils import Bunch
from tqdm import tqdm

from darkcnn.inference import marginalize_feedback
from darkcnn.inspection import annulus_importance, attribute_importance, channel_importance
from darkcnn.model_selection import corrected_standard_error
from darkcnn.preprocessing import MapSelector
from darkcnn.records import split_labels

_MAX_CLUSTERS = 500  # over all networks: about 11,000 predictions
_N_ANNULI = 6
_PIXELS_ACROSS = 2  # minimum width of an annulus


def measure_importance(tested, clusters, *, test_over_train=None, verbose=0):
    """Measure the importance of each map, annulus and attribute for a report.

    Parts are permuted once among clusters of similar mass, see :func:`darkcnn.inspection.annulus_importance`.
    To save time, at most 500 clusters of random halos are used, in one view each.

    Parameters
    ----------
    tested : list of (sklearn.pipeline.Pipeline, ndarray)
        Fitted pipelines with the rows of their held-out clusters.
    clusters : sklearn.utils.Bunch
        Clusters.
    test_over_train : float or None, default=None
        Number of clusters in a test set over that in its training set, for several pipelines.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    dict or None
        ``parts`` (maps, and attributes if the pipelines use any) and ``annuli``: names, means and standard
        errors of the increase in log loss. The error is that of
        :func:`darkcnn.model_selection.corrected_standard_error` for several pipelines, otherwise from a
        jackknife over halos. ``n_clusters``, ``n_halos``, ``n_available``: numbers of clusters and halos
        used, and of clusters available. None if a pipeline has fewer than two halos.

    Examples
    --------
    >>> from darkcnn import default_pipeline
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.report import measure_importance
    >>> clusters = make_clusters(5, cross_sections=(0, 1), redshifts=(0,), n_pixels=20, random_state=0)
    >>> model = default_pipeline("simple", n_views=1, epochs=1, random_state=0)
    >>> is_seen = clusters.groups < 3
    >>> model = model.fit(clusters.data[is_seen], clusters.target[is_seen])
    >>> found = measure_importance([(model, (~is_seen).nonzero()[0])], clusters)
    >>> found["parts"]["names"], found["n_halos"]
    (['total', 'xray', 'stellar'], 2)
    """
    used = [_some_halos(rows, clusters.groups, _MAX_CLUSTERS // len(tested)) for _, rows in tested]
    if any(len(np.unique(clusters.groups[rows])) < 2 for rows in used):
        return None
    parts, annuli = [], []
    with tqdm(total=len(tested), desc="Importance", unit="network", disable=not verbose) as progress:
        for (network, _), rows in zip(tested, used, strict=True):
            network = _of_one_view(network)
            X, y = clusters.data[rows], clusters.target[rows]
            options = {"scoring": _neg_log_loss, "n_repeats": 1, "random_state": 0}
            found = [channel_importance(network, X, y, **options)]
            attributes = _attributes(network)
            if attributes:
                found.append(attribute_importance(network, X, y, attributes=attributes, **options))
            parts.append(_joined(found))
            n_annuli = min(_N_ANNULI, X.dtype["total"].shape[0] // (2 * _PIXELS_ACROSS))
            rings = annulus_importance(network, X, y, n_annuli=n_annuli, **options)
            annuli.append(_joined([rings]))
            progress.update()
    used = np.concatenate(used)
    return {
        "n_clusters": len(np.unique(used)),
        "n_halos": len(np.unique(clusters.groups[used])),
        "n_available": len(np.unique(np.concatenate([rows for _, rows in tested]))),
        "parts": _over_networks(parts, test_over_train),
        "annuli": {**_over_networks(annuli, test_over_train), "edges": rings.edges.tolist()},
    }


def _some_halos(rows, groups, n_rows):
    """Return the rows of random halos, up to `n_rows` rows but at least two halos."""
    halos, halo, size = np.unique(groups[rows], return_inverse=True, return_counts=True)
    order = np.random.default_rng(0).permutation(len(halos))
    n_halos = max(np.searchsorted(np.cumsum(size[order]), n_rows, "right"), 2)
    return rows[np.isin(halo, order[:n_halos])]


def _of_one_view(network):
    """Return a copy that uses one view of each map."""
    network = copy.deepcopy(network)
    if hasattr(network[-1], "predict_views"):
        network[-1].predict_views = 1
    return network


def _attributes(network):
    return [name for _, step in network.steps if isinstance(step, MapSelector) for name in step.attributes]


def _neg_log_loss(network, X, y):
    """Return the mean log-probability of the truth; scikit-learn's scorer fails if a class is missing."""
    probabilities, classes = marginalize_feedback(network.predict_proba(X), network.classes_)
    dark_matter, _ = split_labels(y)
    truth = probabilities[dark_matter[:, np.newaxis] == classes]
    return np.log(np.maximum(truth, np.finfo(np.float32).eps)).mean()


def _joined(found):
    return Bunch(
        names=[name for each in found for name in each.names],
        mean=np.concatenate([each.importances_mean for each in found]),
        error=np.concatenate([each.importances_error for each in found]),
    )


def _over_networks(found, test_over_train):
    means = np.array([each.mean for each in found])
    error = found[0].error
    if len(found) > 1:
        error = np.apply_along_axis(corrected_standard_error, 0, means, test_over_train)
    return {"names": found[0].names, "mean": means.mean(axis=0).tolist(), "error": error.tolist()}
