"""Predictions of a trained network."""

from contextlib import closing
from functools import partial

import keras
import numpy as np
from scipy.special import softmax
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from darkcnn.preprocessing import Maps, Views, as_views, plain_array
from darkcnn.records import CHUNK, chunks, is_records
from darkcnn.training.batches import Batches
from darkcnn.training.traced import borrow_network


class PredictionMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Prediction methods of a classifier: probabilities, labels and embeddings."""

    def predict_proba(self, X):
        """Predict class probabilities, averaged over views and noise realisations.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the same size as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return self._predict(X, lambda network: (network.predictor, [partial(_probabilities, network)]))[0]

    def predict_log_proba(self, X):
        """Predict the logarithm of class probabilities.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the same size as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms of `predict_proba`.
        """
        return np.log(self.predict_proba(X))

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the same size as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def transform(self, X):
        """Return the embedding of maps: the input of the last layer, averaged over views.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the same size as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Features.
        """
        return self._predict(X, lambda network: (network.embedding_model, [np.asarray]))[0]

    def predict_and_embed(self, X):
        """Return class probabilities and embedding in one forward pass.

        Parameters
        ----------
        X : Views, Maps, or array-like of shape (n_samples, height, width, n_channels)
            Maps of the same size as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Class probabilities, as from :meth:`predict_proba`.
        embedding : ndarray of shape (n_samples, n_features_out)
            Embedding, as from :meth:`transform`.
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
        """Copy of the trained network, a keras model."""
        with self._network() as network:
            model = network.copy_predictor()
        model.set_weights(self.weights_)
        return model

    def __dir__(self):
        # scikit-learn evaluates all listed attributes for its diagram, and `model_` takes seconds to build.
        return [name for name in object.__dir__(self) if name != "model_"]

    def _views(self, X, *, reset, argument="X"):
        """Validate `X` and return it as views."""
        if isinstance(X, (Views, Maps)) or is_records(X):
            if reset:  # these inputs have no feature names
                vars(self).pop("n_features_in_", None)
                vars(self).pop("feature_names_in_", None)
        else:
            X = plain_array(X, argument)
            X = validate_data(self, X, reset=reset, allow_nd=True, dtype=np.float32)
            if X.ndim == 2:
                map_shape = (1, X.shape[1], 1) if self.map_shape is None else tuple(self.map_shape)
                if np.prod(map_shape) != X.shape[1]:
                    raise ValueError(
                        f"map_shape={self.map_shape} does not fit the {X.shape[1]} columns of {argument}"
                    )
                X = X.reshape(len(X), *map_shape)
        views = as_views(X, argument)
        shape, n_attributes = views.shape[2:], count_attributes(views)
        if not reset and (shape, n_attributes) != (self.map_shape_, self.n_attributes_):
            raise ValueError(
                f"{argument} has maps of shape {shape} (height, width, n_channels) and {n_attributes} "
                f"attributes, but this {type(self).__name__} was fitted on {self.map_shape_} and "
                f"{self.n_attributes_}"
            )
        return views

    def _network(self, seed=None):
        """Borrow a network of this architecture: initialised from a seed, or with arbitrary weights."""
        return borrow_network(
            map_shape=self.map_shape_,
            n_attributes=self.n_attributes_,
            n_classes=len(self.classes_),
            seed=seed,
            **self._settings,
        )

    def _predict(self, X, choose):
        """Run the network, or its embedding, over all views, apply functions to its output, and average."""
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


def count_attributes(views):
    """Return the number of attributes of the clusters."""
    attributes = views.maps.attributes
    return 0 if attributes is None else attributes.shape[1]


def _probabilities(network, outputs):
    """Return class probabilities from the output of a network."""
    outputs = outputs.astype(np.float64)
    return softmax(outputs, axis=1) if network.from_logits else outputs


def _last_layer(network, embedding):
    """Apply the last layer to an embedding, in chunks of the prediction size for bit-identical results."""
    layer = network.model.layers[-1].layers[-1]
    batches = chunks(len(embedding))
    return np.concatenate([keras.ops.convert_to_numpy(layer(embedding[rows])) for rows in batches])
