"""Classes of a posterior: their cross-sections and priors."""

from functools import cached_property

import numpy as np

from darkcnn.inference.axis import CrossSectionAxis
from darkcnn.inference.checks import check_prior
from darkcnn.records import DarkMatter, cross_section_of, split_labels


class Classes:
    """Classes of a posterior, in the order of the columns of the probabilities.

    Parameters
    ----------
    labels : array-like of shape (n_classes,)
        Labels of dark-matter models.
    prior, training_prior : array-like of shape (n_classes,) or None
        Prior of the classes, and class fractions in the training set; None for uniform.
    velocity : float or None
        Velocity in km/s at which cross-sections are evaluated; None if no class depends on it.

    Examples
    --------
    >>> from darkcnn.inference.classes import Classes
    >>> classes = Classes(["SIDM1", "CDM"], None, [0.8, 0.2], None)
    >>> classes.cross_sections.tolist(), classes.order.tolist()
    ([1.0, 0.0], [1, 0])
    >>> classes.ratios([0.8, 0.2]).tolist(), classes.cross_sections_of(["SIDM0.5", "CDM"]).tolist()
    ([1.0, 1.0], [0.5, 0.0])
    """

    def __init__(self, labels, prior, training_prior, velocity):
        self.dark_matter, _ = split_labels(labels)
        dependent = [
            label for label in self.dark_matter.tolist() if DarkMatter.parse(label).depends_on_velocity
        ]
        if dependent and velocity is None:
            raise ValueError(
                f"classes contain {dependent[0]!r}, whose cross-section depends on velocity: set velocity to "
                "that of the sample in km/s, or to 0 for the low-velocity limit"
            )
        self.velocity = velocity if dependent else None
        self.cross_sections = np.array([cross_section_of(label, velocity) for label in self.dark_matter])
        if len(np.unique(self.cross_sections)) != len(labels) or len(labels) < 2:
            hint = ""
            if len(np.unique(self.dark_matter)) < len(labels):
                hint = "; sum over feedback with darkcnn.inference.marginalize_feedback"
            at = "" if self.velocity is None else f" at {velocity:g} km/s"
            raise ValueError(
                f"classes must be two or more different cross-sections{at}, got "
                f"{np.asarray(labels).tolist()}{hint}"
            )
        self.order = np.argsort(self.cross_sections)
        self.axis = CrossSectionAxis(self.cross_sections[self.order])
        self.prior = check_prior(prior, len(labels), "prior")
        self.training_prior = check_prior(training_prior, len(labels), "training_prior")

    @cached_property
    def grid_prior(self):
        """Prior probabilities of the grid points."""
        mass = self.axis.interpolate(self.prior[self.order]) * self.axis.cells
        return mass / mass.sum()

    @property
    def meaning(self):
        """Everything that the interpretation of a score depends on."""
        return self.dark_matter.tolist(), self.training_prior.tolist(), self.velocity

    def ratios(self, probabilities):
        """Divide by the training prior; return likelihoods over their mean, with classes by cross-section."""
        likelihoods = (probabilities / self.training_prior)[..., self.order]
        return likelihoods / likelihoods.mean(axis=-1, keepdims=True)

    def scores(self, probabilities):
        """Return the mean coordinate of each map for a uniform prior, shape (n_networks, n_maps)."""
        return self.ratios(probabilities) @ self.axis.position(self.axis.nodes) / len(self.order)

    def cross_sections_of(self, labels):
        """Return the cross-sections of labels, not necessarily of classes, cm2/g."""
        names, rows = np.unique(split_labels(labels)[0], return_inverse=True)
        velocity = 0 if self.velocity is None else self.velocity
        dependent = [name for name in names.tolist() if DarkMatter.parse(name).depends_on_velocity]
        if dependent and self.velocity is None:
            raise ValueError(f"target has {dependent[0]!r}, which depends on velocity, but no class does")
        return np.array([cross_section_of(name, velocity) for name in names])[rows]

    def calibrated(self, labels):
        """Return the different cross-sections of labels, cm2/g, and the index of that of each label.

        All classes must occur, and no cross-section may be outside the range of the classes.
        """
        cross_sections = self.cross_sections_of(labels)
        nodes, positions = np.unique(cross_sections, return_inverse=True)
        outside = nodes[(nodes < self.axis.nodes[0]) | (nodes > self.axis.nodes[-1])]
        if len(outside):
            raise ValueError(
                f"target must be from {self.axis.nodes[0]:g} to {self.axis.nodes[-1]:g} cm2/g, the range of "
                f"the classes, got {outside.tolist()}"
            )
        missing = self.dark_matter[~np.isin(self.cross_sections, nodes)]
        if len(missing):
            raise ValueError(f"target must have clusters of every class, got none of {missing.tolist()}")
        return nodes, positions
