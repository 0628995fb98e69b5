"""The network as a scikit-learn classifier. The only module that knows scikeras."""

import random
from contextlib import ExitStack, closing, contextmanager
from copy import deepcopy
from functools import partial
from numbers import Integral, Real
from os import PathLike
from threading import Lock

from darkcnn._common.sklearn_private import Interval, StrOptions, _check_sample_weight, _fit_context
from darkcnn.training.traced import borrow_network  # first: it starts keras without chatter

import keras  # isort: skip
import numpy as np
from scikeras.wrappers import KerasClassifier
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    check_random_state,
    compute_sample_weight,
)
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from darkcnn._common.documentation import DocumentationLink
from darkcnn.preprocessing import Maps, Views, as_views, plain_array
from darkcnn.records import CHUNK, check_groups, chunks, is_records
from darkcnn.training.batches import Batches, EpochStart
from darkcnn.training.checkpoint import Checkpoint
from darkcnn.training.divergence import DivergenceGuard

_SCALING_ROWS = 4096
"""Rows, evenly spaced, that the mean and the variance of the maps are taken from."""

_NO_MATTER = ("callbacks", "checkpoint", "n_draws", "predict_views", "verbose")
"""Parameters that do not change the outcome of a training."""


class DarkCNNClassifier(
    DocumentationLink, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator
):
    """Tell with a convolutional network which cross-section clusters of galaxies were simulated with.

    Parameters
    ----------
    architecture : str or callable, default="inception"
        Name of a network in :data:`darkcnn.networks.NETWORKS`, or a function of your own, ``(input_shape,
        n_classes, **options) -> keras.Model``, that returns logits, or probabilities from a softmax.
    network_options : dict or None, default=None
        Arguments of the network, such as ``{"width": 0.5, "dropout": 0.4}``.
    epochs : int, default=20
        Number of times that the training sees every view of every map.
    batch_size : int, default=32
        Number of views in a step of the training.
    learning_rate : float, default=1e-3
        Of the AdamW optimiser; where the schedule starts.
    learning_rate_schedule : {"constant", "cosine"}, default="constant"
        ``"cosine"`` falls to zero at the end of the training.
    weight_decay : float, default=0.0
        Of the AdamW optimiser.
    label_smoothing : float, default=0.0
        Probability that the target spreads evenly over all classes.
    early_stopping : bool, default=False
        Stop when the loss on clusters held back from the training no longer falls, and keep the best weights.
    validation_fraction : float, default=0.1
        Fraction of the clusters to hold back, one half at most; taken as one over the nearest whole number.
    n_iter_no_change : int, default=10
        Epochs without a better loss before the training stops.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class in the loss.
    callbacks : list of keras.callbacks.Callback or None, default=None
        Copied before each fit, never changed.
    warm_start : bool, default=False
        Whether `fit` goes on from the last fit's weights.
    predict_views : int or None, default=None
        How many of the views to average when predicting; None for all.
    n_draws : int, default=1
        How many draws of the noise of an observation to average over when predicting. One is what a telescope
        has; the mean over many is what it would say on average.
    checkpoint : path-like or None, default=None
        Folder for the state of the training after each epoch. A fit of the same classifier on the same data
        goes on from there after an interruption, and ends with the same bits; one that had ended is not
        repeated. Needs an integer `random_state`. Callbacks of your own begin anew.
    map_shape : (int, int, int) or None, default=None
        Height, width and channels of the maps that the rows of a two-dimensional `X` hold. None takes such
        rows for maps one pixel high, with one channel.
    random_state : int, RandomState instance or None, default=None
        Decides the first weights, the order of the views, their angles and the dropout: the same seed on the
        same machine gives the same bits.
    verbose : int, default=0
        1 for a progress bar, 2 for a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    weights_ : list of ndarray
        Weights of the network.
    history_ : dict of list of float
        Loss and accuracy of each epoch on the training and, if any, the validation set (``val_``).
    loss_curve_ : list of float
        Training loss of each epoch.
    n_epochs_ : int
        Number of epochs trained.
    map_shape_ : (int, int, int)
        Height, width and channels of the maps.
    n_attributes_ : int
        Number of attributes that join the maps.
    model_ : keras.Model
        The network with its weights, from maps (and attributes) to logits; a copy of your own.

    See Also
    --------
    default_pipeline : The steps before it, with the polar network and its recipe.

    Notes
    -----
    Split by cluster: images of one halo, at other redshifts or in other models, leak between training and
    test set. Use ``groups`` with :class:`sklearn.model_selection.StratifiedGroupKFold`.

    References
    ----------
    .. [1] D. Harvey, "A deep-learning algorithm to disentangle self-interacting dark matter and AGN feedback
       models", Nature Astronomy 8, 1332 (2024).

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn import DarkCNNClassifier
    >>> X = np.random.default_rng(0).random((8, 10, 10, 3), dtype=np.float32)
    >>> y = ["CDM", "SIDM1"] * 4
    >>> classifier = DarkCNNClassifier("simple", epochs=1, random_state=0).fit(X, y)
    >>> classifier.predict_proba(X).shape
    (8, 2)
    """

    _parameter_constraints = {
        "architecture": [str, callable],
        "network_options": [dict, None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions({"constant", "cosine"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="right")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "callbacks": [list, None],
        "warm_start": ["boolean"],
        "predict_views": [Interval(Integral, 1, None, closed="left"), None],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "checkpoint": [str, PathLike, None],
        "map_shape": [tuple, list, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # Where metadata is routed, groups come as they do to splitters, without being asked for.
    __metadata_request__fit = {"groups": True}

    def __init__(
        self,
        architecture="inception",
        *,
        network_options=None,
        epochs=20,
        batch_size=32,
        learning_rate=1e-3,
        learning_rate_schedule="constant",
        weight_decay=0.0,
        label_smoothing=0.0,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        class_weight=None,
        callbacks=None,
        warm_start=False,
        predict_views=None,
        n_draws=1,
        checkpoint=None,
        map_shape=None,
        random_state=None,
        verbose=0,
    ):
        self.architecture = architecture
        self.network_options = network_options
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.predict_views = predict_views
        self.n_draws = n_draws
        self.checkpoint = checkpoint
        self.map_shape = map_shape
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, groups=None):
        """Train the network.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of clusters.
        y : array-like of shape (n_samples,)
            Labels such as ``"CDM"`` and ``"SIDM0.1"``.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each row in the loss.
        groups : array-like of shape (n_samples,) or None, default=None
            Cluster of each row, for the validation set of `early_stopping`. Maps that come from records know
            theirs.

        Returns
        -------
        DarkCNNClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If maps are not finite, labels are floats or of one class only, or lengths disagree; or if the
            loss diverges in the first epoch.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If the loss diverges later. The training stops, and the weights of the epoch before are kept.
        """
        resume = self.warm_start and hasattr(self, "weights_")
        views = self._views(X, reset=not resume)
        y = self._labels(y, views)
        if not resume:
            self._start(views, np.unique(y))
        return self._train(
            views, y, sample_weight, groups, epochs=self.epochs, early_stopping=self.early_stopping
        )

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one more epoch, on these rows.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of clusters.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that will ever come; needed at the first call unless `y` has them all, and the same
            in later ones.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each row in the loss.

        Returns
        -------
        DarkCNNClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            As of `fit`, or if `y` or `classes` has labels that the first call had not.
        """
        resume = hasattr(self, "weights_")
        views = self._views(X, reset=not resume)
        y = self._labels(y, views)
        if not resume:
            self._start(views, np.unique(y if classes is None else classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_.tolist()}, got {list(classes)}"
            )
        return self._train(views, y, sample_weight, None, epochs=1, early_stopping=False)

    def predict_proba(self, X):
        """Estimate the probability of each class, averaged over views and draws of the noise.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the size seen at `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return self._predict(X, lambda network: (network.model, [partial(_probabilities, network)]))[0]

    def predict_log_proba(self, X):
        """Estimate the logarithm of the probability of each class.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the size seen at `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms of `predict_proba`.
        """
        return np.log(self.predict_proba(X))

    def predict(self, X):
        """Name the most probable class.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the size seen at `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def transform(self, X):
        """Embed maps: what the last layer of the network sees, averaged over the views.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the size seen at `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Features for any other scikit-learn estimator.
        """
        return self._predict(X, lambda network: (network.embedding_model, [np.asarray]))[0]

    def predict_and_embed(self, X):
        """Estimate probabilities and embed maps, in one pass of the network instead of two.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the size seen at `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            As of :meth:`predict_proba`.
        embedding : ndarray of shape (n_samples, n_features_out)
            As of :meth:`transform`.
        """
        return self._predict(
            X,
            lambda network: (
                network.embedding_model,
                [lambda embedding: _probabilities(network, _last_layer(network, embedding)), np.asarray],
            ),
        )

    @property
    def loss_curve_(self):
        """Training loss of each epoch."""
        return self.history_["loss"]

    @property
    def n_epochs_(self):
        """Number of epochs trained."""
        return len(self.history_["loss"])

    @property
    def model_(self):
        """The network with its weights, as a model of your own."""
        with self._network() as network:
            model = keras.models.clone_model(network.model)
        model.set_weights(self.weights_)
        return model

    def __dir__(self):
        # scikit-learn computes all that it lists, for a diagram as well, and `model_` takes seconds to build.
        return [name for name in object.__dir__(self) if name != "model_"]

    def _views(self, X, *, reset):
        """Check `X` in any of its forms."""
        if isinstance(X, (Views, Maps)) or is_records(X):
            if reset:  # no columns to count, whatever an earlier fit had
                vars(self).pop("n_features_in_", None)
                vars(self).pop("feature_names_in_", None)
        else:
            X = validate_data(self, plain_array(X), reset=reset, allow_nd=True, dtype=np.float32)
            if X.ndim == 2:
                map_shape = (1, X.shape[1], 1) if self.map_shape is None else tuple(self.map_shape)
                if np.prod(map_shape) != X.shape[1]:
                    raise ValueError(f"map_shape={self.map_shape} does not fit the {X.shape[1]} columns of X")
                X = X.reshape(len(X), *map_shape)
        views = as_views(X)
        shape, attributes = views.shape[2:], views.maps.attributes
        n_attributes = 0 if attributes is None else attributes.shape[1]
        if not reset and (shape, n_attributes) != (self.map_shape_, self.n_attributes_):
            raise ValueError(
                f"X has maps of shape {shape} (height, width, n_channels) and {n_attributes} attributes, but "
                f"this {type(self).__name__} was fitted on {self.map_shape_} and {self.n_attributes_}"
            )
        return views

    def _labels(self, y, views):
        """Check `y`."""
        y = column_or_1d(y, warn=True)
        check_consistent_length(views, y)
        assert_all_finite(y, input_name="y")
        if type_of_target(y) == "continuous":
            raise ValueError(
                f"Unknown label type: continuous. y must hold labels, got floats such as {y[0]!r}, which "
                "scikit-learn takes for a regression target. Pass strings: darkcnn.label_of(0.1) is 'SIDM0.1'"
            )
        check_classification_targets(y)
        return y

    def _start(self, views, classes):
        """Forget everything and set up for maps like these."""
        if len(classes) < 2:
            raise ValueError(f"y must hold at least two classes, got one class: {classes.tolist()}")
        self.classes_ = classes
        self.map_shape_ = views.shape[2:]
        self.n_attributes_ = 0 if views.maps.attributes is None else views.maps.attributes.shape[1]
        self.history_ = {"loss": []}
        self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self._settings = {
            "architecture": self.architecture,
            "options": dict(self.network_options or {}),
            "weight_decay": self.weight_decay,
            "label_smoothing": self.label_smoothing,
        }
        vars(self).pop("weights_", None)
        vars(self).pop("_state", None)

    def _network(self):
        """Borrow a network of our architecture, with whatever weights it has."""
        return borrow_network(
            map_shape=self.map_shape_,
            n_attributes=self.n_attributes_,
            n_classes=len(self.classes_),
            **self._settings,
        )

    def _train(self, views, y, sample_weight, groups, *, epochs, early_stopping):
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y holds labels {unknown.tolist()} that are not in classes {self.classes_.tolist()}"
            )
        weights = _check_sample_weight(sample_weight, views)
        weights = weights * compute_sample_weight(self.class_weight, y)
        targets = np.eye(len(self.classes_), dtype=np.float32)[np.searchsorted(self.classes_, y)]
        validation = None
        if early_stopping:
            train, held_back = self._split(views, y, groups)
            validation = Batches(
                views[held_back], self.batch_size, targets=targets[held_back], weights=weights[held_back]
            )
            views, targets, weights = views[train], targets[train], weights[train]
        batches = Batches(views, self.batch_size, targets=targets, weights=weights, seed=self._seed)
        return self._run(batches, validation, epochs)

    def _run(self, batches, validation, epochs):
        """Train on batches for some more epochs."""
        guard = DivergenceGuard()  # before the others: early stopping may know better weights than the last
        callbacks = [guard, *deepcopy(self.callbacks or [])]
        checkpoint, stopping = None, None
        if validation is not None:
            stopping = keras.callbacks.EarlyStopping(
                patience=self.n_iter_no_change, restore_best_weights=True
            )
            callbacks.append(stopping)
        first, n_done = self.n_epochs_, 0
        if self.checkpoint is not None:
            checkpoint = self._checkpoint(batches, validation, first, epochs)
            callbacks.append(checkpoint)
            n_done = len(checkpoint.history.get("loss", []))
            self._remember(checkpoint.history)
            if checkpoint.was_stopped:
                epochs = n_done
        callbacks.append(EpochStart(batches, self._learning_rate, first, epochs))
        with ExitStack() as stack:
            network = None
            stack.callback(batches.close)
            if validation is not None:
                stack.callback(validation.close)

            def build():
                nonlocal network
                with _python_seed(self._seed):  # keras asks Python for the seeds of a new network
                    network = stack.enter_context(self._network())
                network.restart(self._seed)
                if hasattr(self, "weights_"):
                    network.model.set_weights(self.weights_)
                else:
                    self._standardise(network, batches.views)
                if hasattr(self, "_state"):
                    network.set_state(self._state)
                if checkpoint is not None:
                    checkpoint.follow(network, stopping)
                guard.follow(network)
                return network.model

            # Not seeded by scikeras: whatever draws numbers has its seed from us already, and TensorFlow's
            # global seed would make it optimise every traced function again, which takes seconds.
            wrapper = _StreamingClassifier(build, callbacks=callbacks, verbose=self.verbose)
            wrapper._batches = batches
            # scikeras asks for rows and labels; the maps themselves stream past it.
            wrapper.fit(
                np.arange(len(batches.targets))[:, np.newaxis],
                batches.targets.argmax(axis=1),
                epochs=first + epochs,
                initial_epoch=first + n_done,
                validation_data=validation,
            )
            self.weights_ = network.model.get_weights()
            self._state = network.get_state()
            self._n_features_out = network.embedding_model.output_shape[1]
        self._remember(guard.finite(wrapper.history_))
        return self

    def _remember(self, history):
        """Append epochs to the history."""
        for name, values in history.items():
            self.history_.setdefault(name, []).extend(float(value) for value in values)

    def _checkpoint(self, batches, validation, first, epochs):
        """Find or begin the checkpoint of this very training."""
        if not isinstance(self.random_state, Integral):
            raise ValueError(
                "random_state must be an integer for a checkpoint to be found again, "
                f"got {self.random_state!r}"
            )
        return Checkpoint(
            self.checkpoint,
            {name: value for name, value in self.get_params().items() if name not in _NO_MATTER},
            (first, epochs, self.classes_),
            [vars(self).get(name) for name in ("weights_", "_state")],  # of what came before this training
            [part.checksum() for part in (batches, validation) if part is not None],
        )

    def _learning_rate(self, done):
        """Follow the schedule; `done` is the fraction of the training that is over."""
        if self.learning_rate_schedule == "cosine":
            return self.learning_rate * (1 + np.cos(np.pi * done)) / 2
        return self.learning_rate

    def _split(self, views, y, groups):
        """Hold some clusters back from the training."""
        if groups is None:
            groups = np.arange(len(y)) if views.maps.groups is None else views.maps.groups
        groups = check_groups(groups)
        check_consistent_length(views, groups)
        n_splits = max(2, round(1 / self.validation_fraction))
        if len(np.unique(groups)) < n_splits:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} needs at least {n_splits} clusters, "
                f"got {len(np.unique(groups))}"
            )
        splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=self._seed)
        return next(splitter.split(np.empty(len(y)), y, groups))

    @staticmethod
    def _standardise(network, views):
        """Give the network the mean and the variance of the training maps, and of their attributes."""
        rows = np.unique(np.linspace(0, len(views) - 1, min(len(views), _SCALING_ROWS)).astype(int))
        total, squares, n_pixels = 0.0, 0.0, 0
        for some in chunks(len(rows)):
            batch = views.maps.draw(rows[some]).astype(np.float64)
            total = total + batch.sum(axis=(0, 1, 2))
            squares = squares + (batch**2).sum(axis=(0, 1, 2))
            n_pixels += batch[..., 0].size
        mean = total / n_pixels
        network.standardise("maps", mean, squares / n_pixels - mean**2)
        attributes = views.maps.attributes
        if attributes is not None:
            network.standardise("attributes", attributes.mean(axis=0), attributes.var(axis=0))

    def _predict(self, X, choose):
        """Run the network, or its embedding, over all views, finish in one or more ways, and average."""
        check_is_fitted(self)
        views = self._views(X, reset=False)
        n_views = min(self.predict_views or views.shape[1], views.shape[1])
        views = views.first(n_views).repeated(self.n_draws)
        n_views = views.shape[1]
        with self._network() as network, closing(Batches(views, CHUNK)) as batches:
            network.model.set_weights(self.weights_)
            model, finishes = choose(network)
            outputs = model.predict(batches, verbose=0)
            finished = [finish(outputs)[: len(views) * n_views] for finish in finishes]
        return [each.astype(np.float64).reshape(len(views), n_views, -1).mean(axis=1) for each in finished]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "weights_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = False
        tags.classifier_tags.poor_score = True  # a network needs more than the few rows of a check
        return tags


def _probabilities(network, outputs):
    """Turn what a network gives into probabilities."""
    outputs = outputs.astype(np.float64)
    return softmax(outputs, axis=1) if network.from_logits else outputs


def _last_layer(network, embedding):
    """Go on from the embedding, in batches of the size that the network sees: the same bits."""
    layer = network.model.layers[-1].layers[-1]
    batches = chunks(len(embedding))
    return np.concatenate([keras.ops.convert_to_numpy(layer(embedding[rows])) for rows in batches])


_PYTHON_GENERATOR = Lock()


@contextmanager
def _python_seed(seed):
    """Seed Python's own generator, which all threads share, for a while."""
    with _PYTHON_GENERATOR:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


class _StreamingClassifier(KerasClassifier):
    """scikeras' wrapper, which builds, compiles and routes callbacks, fed from batches instead of arrays."""

    def _fit_keras_model(self, X, y, sample_weight, warm_start, epochs, initial_epoch, **kwargs):
        super()._fit_keras_model(
            self._batches,
            None,
            None,
            warm_start,
            epochs - initial_epoch,
            initial_epoch,
            batch_size=None,
            shuffle=False,
            **kwargs,
        )
