"""What a network is trained on: views, labels and weights."""

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
    """Views of maps, with the label, the weight in the loss and the cluster of each row."""

    views: Views
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray

    def __getitem__(self, rows):
        return Examples(self.views[rows], self.labels[rows], self.weights[rows], self.groups[rows])

    def weighted(self, class_weight=None):
        """Multiply the weights by those of the classes, a dict, and leave out the rows that weigh nothing."""
        weights = self.weights
        if class_weight is not None:
            weights = weights * [class_weight.get(label, 1.0) for label in self.labels.tolist()]
        if not weights.any():
            raise ValueError(
                "sample_weight and class_weight must leave a row with a weight above 0, got none"
            )
        examples = replace(self, weights=weights)
        return examples if weights.all() else examples[np.flatnonzero(weights)]

    def relative(self):
        """Divide the weights by their mean: the optimiser takes gradients much below 1 for none."""
        return replace(self, weights=self.weights / self.weights.mean())

    def batches(self, classes, batch_size, *, label_smoothing=0.0, seed=None):
        """Return the batches that a network takes; without a seed, in the order of the rows."""
        targets = np.eye(len(classes), dtype=np.float32)[np.searchsorted(classes, self.labels)]
        # Here and not in the loss, where every other value would need a network of its own.
        targets = targets * np.float32(1 - label_smoothing) + np.float32(label_smoothing) / np.float32(
            len(classes)
        )
        return Batches(self.views, batch_size, targets=targets, weights=self.weights, seed=seed)


def check_labels(y, views, argument="y"):
    """Return `y` as an array, if it holds one label for each row of `views`."""
    _refuse_mask(y, argument)
    y = column_or_1d(y, warn=True)
    check_consistent_length(views, y)
    assert_all_finite(y, input_name=argument)
    if type_of_target(y) == "continuous":
        raise ValueError(
            f"Unknown label type: continuous. {argument} must hold labels, got floats such as {y[0]!r}, "
            "which scikit-learn takes for a regression target. Pass strings: darkcnn.label_of(0.1) is "
            "'SIDM0.1'"
        )
    check_classification_targets(y)
    return y


def check_known(labels, classes, argument="y"):
    """Refuse labels that are not among the classes of a network."""
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(
            f"{argument} holds labels {unknown.tolist()} that are not in classes {classes.tolist()}"
        )


def _refuse_mask(values, argument):
    """Refuse values that are not known; what lies behind a mask is no number."""
    if np.ma.is_masked(values):
        row = int(np.argmax(np.ma.getmaskarray(values).ravel()))
        raise ValueError(f"{argument} must have a value in every row, but row {row} is masked")


def check_weights(sample_weight, views, argument="sample_weight"):
    """Return one weight for each row of `views`, 0 or more."""
    _refuse_mask(sample_weight, argument)
    weights = _check_sample_weight(sample_weight, views)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise ValueError(f"{argument} must be 0 or more, got {weights[row]} in row {row}")
    return weights


def weights_of_classes(class_weight, labels):
    """Return the weight of each class that `labels` hold, of what the parameter `class_weight` can be."""
    classes = np.unique(labels)
    computed = compute_class_weight(class_weight, classes=classes, y=labels)
    weights = dict(zip(classes.tolist(), computed.tolist(), strict=True))
    for label, weight in weights.items():
        if not 0 <= weight < np.inf:
            raise ValueError(f"class_weight must be finite and 0 or more, got {weight} for {label!r}")
    return weights
