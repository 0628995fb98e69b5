"""Convolutional network as a scikit-learn classifier."""

from functools import partial
from numbers import Integral, Real
from os import PathLike

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state

from darkcnn._common.documentation import DocumentationLink
from darkcnn._common.sklearn_private import Interval, StrOptions, _fit_context
from darkcnn.networks import name_of
from darkcnn.records import check_groups
from darkcnn.training.checkpoint import Checkpoint, identify
from darkcnn.training.examples import Examples, check_known, check_labels, check_weights, weights_of_classes
from darkcnn.training.loop import train
from darkcnn.training.prediction import PredictionMixin, count_attributes
from darkcnn.training.scaling import standardise
from darkcnn.training.traced import same_content
from darkcnn.training.validation import ValidationSplit


class DarkCNNClassifier(DocumentationLink, PredictionMixin, ClassifierMixin, BaseEstimator):
    """Convolutional classifier of galaxy-cluster maps by dark-matter cross-section.

    Parameters
    ----------
    architecture : str or callable, default="inception"
        Name of a network in :data:`darkcnn.networks.NETWORKS`, or a function ``(input_shape, n_classes,
        **options) -> keras.Model`` that returns logits, or probabilities from a softmax. Training starts from
        the weights that your function returns; layers that are not trainable stay frozen.
    network_options : dict or None, default=None
        Keyword arguments of the network, such as ``{"width": 0.5, "dropout": 0.4}``.
    epochs : int, default=20
        Number of training epochs.
    batch_size : int, default=32
        Number of views in a batch.
    learning_rate : float, default=1e-3
        Initial learning rate of the AdamW optimiser.
    learning_rate_schedule : {"constant", "cosine"}, default="constant"
        ``"cosine"`` decays to zero at the end of the training. The schedule is switched off when one of
        `callbacks` sets the learning rate.
    weight_decay : float, default=0.0
        Weight decay per epoch. That of the AdamW optimiser is ``weight_decay / (learning_rate * n_batches)``,
        so that the best value does not depend on the number of clusters [2]_. With many more epochs, reduce
        it in proportion, or all weights decay to zero.
    label_smoothing : float, default=0.0
        Label smoothing, from 0 to 1.
    early_stopping : bool, default=False
        Whether to stop when the validation loss no longer decreases, and keep the best weights.
    validation_fraction : float, default=0.1
        Fraction of the clusters in the validation set, at most 0.5, see
        :class:`~darkcnn.training.ValidationSplit`.
    n_iter_no_change : int, default=10
        Number of epochs without a lower validation loss before the training stops.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class in the loss, multiplied by the sample weights.
    callbacks : list of keras.callbacks.Callback or None, default=None
        Keras callbacks; they are copied before each fit. With callbacks, steps run one by one instead of ten
        at a time, which makes small networks a tenth slower.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the last fit.
    predict_views : int or None, default=None
        Number of views to average when predicting; None for all.
    n_draws : int, default=1
        Number of noise realisations to average when predicting simulated observations.
    checkpoint : path-like or None, default=None
        Folder for the training state, written after each epoch. After an interruption, a fit of the same
        classifier on the same data resumes from it, with bit-identical results; a completed fit is loaded
        instead of repeated. Needs an integer `random_state`. Your own callbacks start anew.
    map_shape : (int, int, int) or None, default=None
        Shape (height, width, n_channels) of the maps in the rows of a two-dimensional `X`. With None, such
        rows are treated as maps of one pixel height and one channel.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order and angles of the views, and the dropout. Results are
        bit-identical on the same machine.
    verbose : int, default=0
        1 for a progress bar, 2 for one line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    weights_ : list of ndarray
        Weights of the network.
    history_ : dict of list of float
        Loss and accuracy of each epoch on the training set and, with early stopping, on the validation set
        (``val_``).
    loss_curve_ : list of float
        Training loss of each epoch.
    n_epochs_ : int
        Number of epochs trained.
    map_shape_ : (int, int, int)
        Shape (height, width, n_channels) of the maps.
    n_attributes_ : int
        Number of attributes joined to the maps.
    model_ : keras.Model
        Copy of the network with its weights; it maps inputs to logits.

    See Also
    --------
    default_pipeline : Pipeline of preprocessing steps and this classifier.

    Notes
    -----
    Split by cluster: maps of one halo at other redshifts or in other models leak between training and test
    set. Use :class:`sklearn.model_selection.StratifiedGroupKFold` with ``groups``.

    Maps and attributes are standardised with the mean and standard deviation of the training set. The
    precision policy of ``keras.config.dtype_policy()`` is respected.

    References
    ----------
    .. [1] D. Harvey, "A deep-learning algorithm to disentangle self-interacting dark matter and AGN feedback
       models", Nature Astronomy 8, 1332 (2024).
    .. [2] X. Wang and L. Aitchison, "How to set AdamW's weight decay as you scale model and dataset size",
       `arXiv:2405.13698 <https://doi.org/10.48550/arXiv.2405.13698>`__ (2024).

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

    # With metadata routing, these are requested by default, as groups are by splitters.
    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True, "sample_weight_val": True}

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
    def fit(self, X, y, sample_weight=None, groups=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train the network.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of clusters.
        y : array-like of shape (n_samples,)
            Labels such as ``"CDM"`` and ``"SIDM0.1"``.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each row in the loss. Rows of weight 0 are left out, but their labels stay in
            `classes_`.
        groups : array-like of shape (n_samples,) or None, default=None
            Cluster of each row, for the validation split of `early_stopping`. Default: the clusters of the
            records, or one cluster for each row of plain maps.
        X_val, y_val : like X and y, or None, default=None
            Validation set for `early_stopping`, instead of a split of `X`. A pipeline transforms it if it has
            ``transform_input=["X_val"]``.
        sample_weight_val : array-like of shape (n_val,) or None, default=None
            Weight of each row of `X_val`.

        Returns
        -------
        DarkCNNClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If maps are not finite, labels are floats or of one class, weights are negative, or lengths
            differ; if there are too few clusters of a class for early stopping; or if the loss diverges in
            the first epoch.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If the loss diverges later. Training stops, and the weights of the previous epoch are kept.
        """
        resume = self.warm_start and hasattr(self, "weights_")
        examples = self._examples(X, y, sample_weight, groups, reset=not resume)
        self._begin(examples, np.unique(examples.labels), resume=resume)
        class_weight = weights_of_classes(self.class_weight, examples.weighted().labels)
        examples, validation = examples.weighted(class_weight), None
        if X_val is not None or y_val is not None:
            validation = self._validation(X_val, y_val, sample_weight_val).weighted(class_weight)
        elif self.early_stopping:
            train_rows, held_back = self._split(examples.views, examples.labels, examples.groups)
            examples, validation = examples[train_rows], examples[held_back]
        return self._train(examples.relative(), validation and validation.relative(), epochs=self.epochs)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on a batch of clusters.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of clusters.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels of all calls. Needed at the first call unless `y` contains them all; must not change
            later.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each row in the loss. Rows of weight 0 are left out.

        Returns
        -------
        DarkCNNClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            As in `fit`, or if `y` or `classes` contains labels that are unknown from the first call.
        """
        resume = hasattr(self, "weights_")
        examples = self._examples(X, y, sample_weight, reset=not resume)
        if resume and classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_.tolist()}, got {list(classes)}"
            )
        self._begin(examples, np.unique(examples.labels if classes is None else classes), resume=resume)
        class_weight = weights_of_classes(self.class_weight, examples.weighted().labels)
        return self._train(examples.weighted(class_weight), None, epochs=1)

    def _examples(self, X, y, sample_weight, groups=None, *, reset, suffix=""):
        """Check training data; `suffix` is appended to the names of the arguments."""
        views = self._views(X, reset=reset, argument=f"X{suffix}")
        labels = check_labels(y, views, f"y{suffix}")
        weights = check_weights(sample_weight, views, f"sample_weight{suffix}")
        groups = views.maps.groups if groups is None else groups
        groups = np.arange(len(labels)) if groups is None else check_groups(groups)
        check_consistent_length(views, groups)
        return Examples(views, labels, weights, groups)

    def _validation(self, X_val, y_val, sample_weight_val):
        """Check the validation set."""
        if X_val is None or y_val is None:
            raise ValueError(
                f"X_val and y_val must be given together, got {'X_val' if y_val is None else 'y_val'} alone"
            )
        if not self.early_stopping:
            raise ValueError("X_val and y_val need early_stopping=True, got False")
        examples = self._examples(X_val, y_val, sample_weight_val, reset=False, suffix="_val")
        check_known(examples.labels, self.classes_, "y_val")
        return examples

    def _begin(self, examples, classes, *, resume):
        """Initialise a first training, or apply parameters that changed since the last one."""
        wanted = {
            "architecture": name_of(self.architecture),
            "options": dict(self.network_options or {}),
        }
        if not resume:
            self._start(examples.views, classes)
        check_known(examples.labels, self.classes_)
        for argument, name in (("architecture", "architecture"), ("network_options", "options")):
            if resume and not same_content(wanted[name], self._settings[name]):
                raise ValueError(
                    f"{argument} must be that of the first fit, {self._settings[name]!r}, whose weights are "
                    f"reused, got {wanted[name]!r}"
                )
        self._settings = wanted

    def _start(self, views, classes):
        """Reset the classifier for maps of this shape."""
        if len(classes) < 2:
            raise ValueError(f"y must contain at least two classes, got one class: {classes.tolist()}")
        self.classes_ = classes
        self.map_shape_ = views.shape[2:]
        self.n_attributes_ = count_attributes(views)
        self.history_ = {"loss": []}
        self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        vars(self).pop("weights_", None)
        vars(self).pop("_state", None)

    def _split(self, views, y, groups):
        """Split off a validation set by cluster."""
        splitter = ValidationSplit(self.validation_fraction, random_state=self._seed)
        return next(splitter.split(views, y, views.maps.groups if groups is None else groups))

    def _train(self, examples, validation, *, epochs):
        """Train for a number of epochs."""
        served = {"batch_size": self.batch_size, "label_smoothing": self.label_smoothing}
        batches = examples.batches(self.classes_, seed=self._seed, **served)
        if validation is not None:
            validation = validation.batches(self.classes_, **served)
        first, checkpoint = self.n_epochs_, None
        if self.checkpoint is not None:
            checkpoint = self._checkpoint(batches, validation, first, epochs)
            self._remember(checkpoint.history)

        def prepare(network):
            network.set_weight_decay(self.weight_decay / (self.learning_rate * len(batches)))
            if hasattr(self, "weights_"):
                network.model.set_weights(self.weights_)
            elif hasattr(self.architecture, "start_training"):
                self.architecture.start_training(network, batches)
            else:
                standardise(network, batches.views)
            if hasattr(self, "_state"):
                network.set_state(self._state)
            n_steps = epochs * len(batches)
            network.learning_rate.begin(self.learning_rate_schedule, self.learning_rate, n_steps)

        weights, state, history, n_features = train(
            partial(self._network, self._seed),
            prepare,
            batches,
            validation,
            first=first,
            epochs=epochs,
            patience=self.n_iter_no_change,
            callbacks=self.callbacks or [],
            checkpoint=checkpoint,
            verbose=self.verbose,
        )
        self.weights_, self._state, self._n_features_out = weights, state, n_features
        self._remember(history)
        return self

    def _remember(self, history):
        """Append epochs to the history."""
        for name, values in history.items():
            self.history_.setdefault(name, []).extend(float(value) for value in values)

    def _checkpoint(self, batches, validation, first, epochs):
        """Find or create the checkpoint of this training."""
        if not isinstance(self.random_state, Integral):
            reason = "with a checkpoint"
            raise ValueError(f"random_state must be an integer {reason}, got {self.random_state!r}")
        before = [vars(self).get(name) for name in ("weights_", "_state")]  # of earlier trainings
        data = [part.checksum() for part in (batches, validation) if part is not None]
        identity = identify(self.get_params(), first, epochs, self.classes_, before, data)
        return Checkpoint(self.checkpoint, identity)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = False
        tags.classifier_tags.poor_score = True  # a network needs more than the few rows of a check
        return tags
