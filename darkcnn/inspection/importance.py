"""Permutation importance of channels, annuli and attributes."""

import numpy as np
from sklearn.utils import Bunch, check_random_state

from darkcnn.inspection.permutation import Permutation, annuli
from darkcnn.inspection.score_decrease import score_decrease
from darkcnn.preprocessing import ATTRIBUTES
from darkcnn.records import check_records


def channel_importance(
    estimator,
    X,
    y,
    *,
    scoring="balanced_accuracy",
    n_repeats=5,
    groups=None,
    mass=None,
    random_state=None,
    verbose=0,
):
    """Permutation importance of channels: decrease of a score when a map is replaced by another cluster's.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier with ``predict_proba``, such as a :func:`darkcnn.default_pipeline`.
    X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
        Held-out clusters.
    y : array-like of shape (n_samples,)
        Labels.
    scoring : str or callable, default="balanced_accuracy"
        Scikit-learn scorer.
    n_repeats : int, default=5
        Number of permutations.
    groups : array-like of shape (n_samples,) or None, default=None
        Cluster of each row of plain maps; None if all differ. Records have their own.
    mass : array-like of shape (n_samples,) or None, default=None
        Log10 mass of each row of plain maps. Records have their own.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    sklearn.utils.Bunch
        See :func:`annulus_importance`, without the axis of annuli.

    See Also
    --------
    darkcnn.plotting.ImportanceDisplay : Plots it.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.inspection import channel_importance
    >>> X, y = load_example(return_X_y=True)
    >>> channel_importance(DummyClassifier().fit(X, y), X, y, random_state=0).importances_mean
    array([0., 0., 0.])
    """
    permutation = Permutation(X, groups=groups, mass=mass)
    everywhere = np.ones(permutation.map_shape[:2], bool)
    changes = [permutation.region(channel, everywhere) for channel in range(permutation.map_shape[2])]
    donors = _draw(permutation, n_repeats, random_state)
    found = score_decrease(
        estimator, permutation, y, changes, scoring=scoring, donors=donors, verbose=verbose
    )
    return Bunch(**found, names=permutation.channels, edges=None)


def annulus_importance(
    estimator,
    X,
    y,
    *,
    n_annuli=10,
    scoring="balanced_accuracy",
    n_repeats=5,
    groups=None,
    mass=None,
    random_state=None,
    verbose=0,
):
    r"""Permutation importance of annuli: decrease of a score when a ring is replaced by another cluster's.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier with ``predict_proba``, such as a :func:`darkcnn.default_pipeline`.
    X : structured ndarray of shape (n_samples,), or array of (n_samples, height, width, n_channels)
        Held-out clusters.
    y : array-like of shape (n_samples,)
        Labels.
    n_annuli : int, default=10
        Number of rings of equal width, from the centre to the largest circle in the map (1000 kpc).
    scoring : str or callable, default="balanced_accuracy"
        Scikit-learn scorer.
    n_repeats : int, default=5
        Number of permutations.
    groups : array-like of shape (n_samples,) or None, default=None
        Cluster of each row of plain maps; None if all differ. Records have their own.
    mass : array-like of shape (n_samples,) or None, default=None
        Log10 mass of each row of plain maps. Records have their own.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    sklearn.utils.Bunch
        ``importances`` of shape (n_channels, n_annuli, n_repeats): decrease of the score;
        ``importances_mean`` and ``importances_std`` over repeats; ``importances_error``: standard error of
        the mean, from a jackknife over clusters; ``names`` of the channels; ``edges`` of the annuli, kpc;
        ``scoring``.

    See Also
    --------
    darkcnn.plotting.ImportanceDisplay : Plots it.

    Notes
    -----
    The other cluster is one of the ten next lighter or ten next heavier halos, of any dark-matter model; any
    other halo if a mass is unknown. Maps are exchanged in units of their own peak, the input of networks; the
    rest of the map and the norms are unchanged. The map remains realistic, and only the information in the
    ring is lost. The published measure [1]_ fills the ring with uniform noise, which is out of distribution,
    and divides by the number of pixels, which makes it decrease outwards.

    A ring is important if the classifier relies on it, not if it contains information: several rings with the
    same information may all have low importance.

    References
    ----------
    .. [1] D. Harvey, "A deep-learning algorithm to disentangle self-interacting dark matter and AGN feedback
       models", Nature Astronomy 8, 1332 (2024).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from darkcnn.inspection import annulus_importance
    >>> maps, y = np.random.default_rng(0).random((200, 8, 8, 1)), np.array(["CDM", "SIDM1"] * 100)
    >>> maps[y == "SIDM1", 3:5, 3:5] += 1
    >>> classifier = make_pipeline(FunctionTransformer(lambda X: X.reshape(len(X), -1)), LogisticRegression())
    >>> found = annulus_importance(classifier.fit(maps, y), maps, y, n_annuli=2, random_state=0)
    >>> found.importances_mean.round(1).tolist(), found.edges.tolist()
    ([[0.5, 0.0]], [0.0, 500.0, 1000.0])
    """
    permutation = Permutation(X, groups=groups, mass=mass)
    masks, edges = annuli(permutation.map_shape, n_annuli)
    n_channels = permutation.map_shape[2]
    changes = [permutation.region(channel, mask) for channel in range(n_channels) for mask in masks]
    donors = _draw(permutation, n_repeats, random_state)
    found = score_decrease(
        estimator, permutation, y, changes, scoring=scoring, donors=donors, verbose=verbose
    )
    by_channel = {
        name: value.reshape(n_channels, n_annuli, *value.shape[1:])
        for name, value in found.items()
        if name != "scoring"
    }
    return Bunch(**by_channel, names=permutation.channels, edges=edges, scoring=found.scoring)


def attribute_importance(
    estimator,
    X,
    y,
    *,
    attributes=ATTRIBUTES,
    scoring="balanced_accuracy",
    n_repeats=5,
    random_state=None,
    verbose=0,
):
    """Permutation importance of attributes: decrease of a score when one is replaced by another cluster's.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier of records with ``predict_proba``.
    X : structured ndarray of shape (n_samples,)
        Held-out clusters.
    y : array-like of shape (n_samples,)
        Labels.
    attributes : sequence of str, default=darkcnn.preprocessing.ATTRIBUTES
        Attributes to permute. Attributes that are no input of the classifier have zero importance.
    scoring : str or callable, default="balanced_accuracy"
        Scikit-learn scorer.
    n_repeats : int, default=5
        Number of permutations.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations.
    verbose : int, default=0
        Above 0, show a progress bar.

    Returns
    -------
    sklearn.utils.Bunch
        See :func:`annulus_importance`; the first axis is that of `attributes`, which are the ``names``.

    See Also
    --------
    darkcnn.plotting.ImportanceDisplay : Plots it.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.inspection import attribute_importance
    >>> X, y = load_example(return_X_y=True)
    >>> guess = DummyClassifier().fit(X, y)
    >>> found = attribute_importance(guess, X, y, attributes=["redshift"], random_state=0)
    >>> found.names, found.importances_mean.tolist()
    (['redshift'], [0.0])
    """
    X = check_records(X)
    unknown = [name for name in attributes if name not in ATTRIBUTES]
    if unknown:
        raise ValueError(f"attributes must be among {list(ATTRIBUTES)}, got {unknown[0]!r}")
    permutation = Permutation(X)
    donors = _draw(permutation, n_repeats, random_state, similar_mass=False)
    changes = [_attribute(name) for name in attributes]
    found = score_decrease(
        estimator, permutation, y, changes, scoring=scoring, donors=donors, verbose=verbose
    )
    return Bunch(**found, names=list(attributes), edges=None)


def _attribute(name):
    fields = ["bcg_e1", "bcg_e2"] if name == "bcg_ellipticity" else [name]

    def change(batch, donor):
        for field in fields:
            batch[field] = donor[field]

    return change


def _draw(permutation, n_repeats, random_state, *, similar_mass=True):
    """Draw the donors of each repeat, common to all parts, so that importances are comparable."""
    if n_repeats < 1:
        raise ValueError(f"n_repeats must be at least 1, got {n_repeats}")
    rng = check_random_state(random_state)
    return [permutation.donors(rng, similar_mass=similar_mass) for _ in range(n_repeats)]
