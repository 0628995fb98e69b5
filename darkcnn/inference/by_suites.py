"""Calibration with suites of simulations."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from darkcnn.inference.checks import check_probabilities, number_clusters
from darkcnn.inference.suites import SuiteResponse
from darkcnn.records import check_groups


class CalibrationBySuites:
    """Mixin of :class:`~darkcnn.CrossSectionPosterior`: calibration with suites and the own simulation."""

    def _calibrate_suites(self, probabilities, target, groups, suites, embedding):
        suites = check_groups(suites, "suites", "suite")
        check_consistent_length(groups, target, suites)
        cross_sections = self._classes.cross_sections_of(target)
        features = self._scores_or_embedding(probabilities, embedding)
        responses = [SuiteResponse(each, cross_sections, suites, groups) for each in features]
        return self._use(responses, embedding is not None)

    def calibrate_with(self, response):
        """Use an existing calibration of embeddings.

        Parameters
        ----------
        response : SuiteResponse
            Response of the embedding, fitted to many suites.

        Returns
        -------
        CrossSectionPosterior
            The calibrated estimator; :meth:`fit` then needs the embedding.
        """
        self._set_up()
        return self._use([response], True)

    def condition(self, probabilities, target, groups=None, *, embedding=None):
        """Condition a calibration with suites on a few clusters of the sample's own simulation.

        Parameters
        ----------
        probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
            Class probabilities of labelled clusters of the same simulation as the sample.
        target : array-like of shape (n_maps,)
            Labels, of two or more cross-sections.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, in any dark-matter model; None if all differ.
        embedding : array-like of shape (n_maps, n_features) or None, default=None
            Embedding of the maps, if :meth:`calibrate` was given one.

        Returns
        -------
        CrossSectionPosterior
            The calibrated estimator.

        Raises
        ------
        ValueError
            If there is no calibration with suites, or there are fewer than three clusters of a cross-section.
        """
        if not getattr(self, "_responses", None):
            raise ValueError("condition needs a calibration with suites: call calibrate(..., suites=...)")
        probabilities = check_probabilities(probabilities, len(self.classes))
        groups = number_clusters(groups, probabilities.shape[1])
        check_consistent_length(groups, target)
        cross_sections = self._classes.cross_sections_of(target)
        self._own = [
            (features, cross_sections, groups) for features in self._features(probabilities, embedding)
        ]
        return self

    def _features(self, probabilities, embedding):
        """Return the features used in the calibration, of each network."""
        if (embedding is not None) != self._of_embedding:
            wanted = "left out: calibrate had none" if embedding is not None else "given, as to calibrate"
            raise ValueError(f"embedding must be {wanted}")
        return self._scores_or_embedding(probabilities, embedding)

    def _scores_or_embedding(self, probabilities, embedding):
        """Return the features of the maps from each network: the embedding if given, or scores."""
        if embedding is None:
            return self._classes.scores(probabilities)[..., np.newaxis]
        features = check_array(embedding, input_name="embedding")
        check_consistent_length(probabilities[0], features)
        return [features]

    def pvalue(self, embedding, groups=None):
        """Return the p-value of a sample under the population of suites.

        It is the fraction of suites that are at least as far from all other suites as the sample is.

        Parameters
        ----------
        embedding : array-like of shape (n_maps, n_features)
            Embedding of the maps of the sample.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map; None if all differ.

        Returns
        -------
        float
            P-value; near 0 for a sample unlike all suites.
        """
        if not getattr(self, "_responses", None) or not self._of_embedding:
            raise ValueError("pvalue needs a calibration with suites and embedding")
        features = check_array(embedding, input_name="embedding")
        return self._responses[0].pvalue(features, number_clusters(groups, len(features)))

    def _use(self, responses, of_embedding):
        low, high = responses[0].cross_sections[[0, -1]]
        if low > self.grid_[0] or high < self.grid_[-1]:
            raise ValueError(
                "the calibration must have clusters at or beyond the lowest and the highest class, "
                f"{self.grid_[0]:g} and {self.grid_[-1]:g} cm2/g, got {low:g} to {high:g} cm2/g"
            )
        self._responses, self._of_embedding, self._distributions = responses, of_embedding, None
        self._own = None
        self._calibrated_for = self._classes.meaning
        return self

    def _by_suites(self, probabilities, groups, embedding):
        """Return log-likelihoods from each network, with suites as a random effect and without outliers."""
        self._check_meaning()
        features = self._features(probabilities, embedding)
        responses = self._responses
        if len(responses) not in (1, len(features)):
            raise ValueError(
                f"probabilities must be of the {len(responses)} networks calibrated, got {len(features)}"
            )
        responses = responses if len(responses) > 1 else responses * len(features)
        own = [None] * len(features) if self._own is None else self._own
        if len(own) != len(features):
            raise ValueError(
                f"probabilities must be of {len(own)} networks, as to condition, got {len(features)}"
            )
        found = [
            response.infer(each, groups, self._axis, self._classes.grid_prior, known)
            for response, each, known in zip(responses, features, own, strict=True)
        ]
        self.variances_ = {
            part: float(np.mean([variances[part] for _, variances in found])) for part in found[0][1]
        }
        unknown = np.full((1, len(self.grid_)), np.nan)
        return [(log_likelihood[np.newaxis], unknown) for log_likelihood, _ in found]
