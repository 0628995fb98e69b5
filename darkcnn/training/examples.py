"""Training examples: views, labels and weights."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils import assert_all_finite, check_consistent_length, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from darkcnn._common.sklearn_private import _check_sample_weight
from darkcnn.preprocessing import Views
from darkcnn.training.batches import Batches


@dataclass(frozen=True)
class Examples:
    """Views of maps with the label, sample weight and cluster of each row."""

    views: Views
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray

    def __getitem__(self, rows):
        return Examples(self.views[rows], self.labels[rows], self.weights[rows], self.groups[rows])

    def weighted(self, class_weight=None):
        """Multiply the weights by class weights (a dict) and drop rows of zero weight."""
        weights = self.weights
        if class_weight is not None:
            weights = weights * [class_weight.get(label, 1.0) for label in self.labels.tolist()]
        if not weights.any():
            raise ValueError(
                "sample_weight and class_weight must leave at least one row with a positive weight, got none"
            )
        examples = replace(self, weights=weights)
        return examples if weights.all() else examples[np.flatnonzero(weights)]

    def relative(self):
        """Divide the weights by their mean; the optimiser ignores gradients much smaller than 1."""
        return replace(self, weights=self.weights / self.weights.mean())

    def batches(self, classes, batch_size, *, label_smoothing=0.0, seed=None):
        """Return training batches, shuffled with a seed or in the order of the rows without."""
        targets = np.eye(len(classes), dtype=np.float32)[np.searchsorted(classes, self.labels)]
        # Here and not in the loss, where every other value would need a network of its own.
        targets = targets * np.float32(1 - label_smoothing) + np.float32(label_smoothing) / np.float32(
            len(classes)
        )
        return Batches(self.views, batch_size, targets=targets, weights=self.weights, seed=seed)


def check_labels(y, views, argument="y"):
    """Return `y` as an array, checked to have one label for each row of `views`."""
    _refuse_mask(y, argument)
    y = column_or_1d(y, warn=True)
    check_consistent_length(views, y)
    assert_all_finite(y, input_name=argument)
    if type_of_target(y) == "continuous":
        raise ValueError(
            f"Unknown label type: continuous. {argument} must contain labels, got floats such as {y[0]!r}, "
            "which are a regression target for scikit-learn. Use strings: darkcnn.label_of(0.1) is "
            "'SIDM0.1'"
        )
    check_classification_targets(y)
    return y


def check_known(labels, classes, argument="y"):
    """Raise a ValueError for labels that are not classes of a network."""
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(
            f"{argument} contains labels {unknown.tolist()} that are not in classes {classes.tolist()}"
        )


def _refuse_mask(values, argument):
    """Raise a ValueError for masked values."""
    if np.ma.is_masked(values):
        row = int(np.argmax(np.ma.getmaskarray(values).ravel()))
        raise ValueError(f"{argument} must have a value in every row, but row {row} is masked")


def check_weights(sample_weight, views, argument="sample_weight"):
    """Return the weights, checked to be one non-negative number for each row of `views`."""
    _refuse_mask(sample_weight, argument)
    weights = _check_sample_weight(sample_weight, views)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise ValueError(f"{argument} must be non-negative, got {weights[row]} in row {row}")
    return weights


def weights_of_classes(class_weight, labels):
    """Return the weight of each class of `labels` as a dict, from the parameter `class_weight`."""
    classes = np.unique(labels)
    computed = compute_class_weight(class_weight, classes=classes, y=labels)
    weights = dict(zip(classes.tolist(), computed.tolist(), strict=True))
    for label, weight in weights.items():
        if not 0 <= weight < np.inf:
            raise ValueError(f"class_weight must be finite and non-negative, got {weight} for {label!r}")
    return weights
