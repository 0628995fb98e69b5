"""Calibration with many simulations, each a draw from a population."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from darkcnn.inference.checks import check_probabilities, number_clusters
from darkcnn.inference.suites import SuiteResponse


class CalibrationBySuites:
    """Mixin of :class:`~darkcnn.CrossSectionPosterior`: what it knows of suites, and of the sample's own."""

    def _calibrate_suites(self, probabilities, target, groups, suites, embedding):
        suites = np.asarray(suites)
        check_consistent_length(groups, target, suites)
        cross_sections = self._classes.cross_sections_of(target)
        features = self._described(probabilities, embedding)
        responses = [SuiteResponse(each, cross_sections, suites, groups) for each in features]
        return self._use(responses, embedding is not None)

    def calibrate_with(self, response):
        """Use a calibration that was made earlier from embeddings.

        Parameters
        ----------
        response : SuiteResponse
            Response of the embedding in many suites.

        Returns
        -------
        CrossSectionPosterior
            The calibrated estimator, which needs the embedding at :meth:`fit`.
        """
        self._set_up()
        return self._use([response], True)

    def condition(self, probabilities, target, groups=None, *, embedding=None):
        """Learn how a few clusters of the sample's own simulation respond, after a calibration with suites.

        Parameters
        ----------
        probabilities : array-like of shape (n_maps, n_classes) or (n_networks, n_maps, n_classes)
            Class probabilities of labelled clusters of the simulation, or world, that the sample is of.
        target : array-like of shape (n_maps,)
            Their labels, of two cross-sections or more.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map, in any dark-matter model; None if all differ.
        embedding : array-like of shape (n_maps, n_features) or None, default=None
            Features of the maps, if :meth:`calibrate` had some.

        Returns
        -------
        CrossSectionPosterior
            The calibrated estimator.

        Raises
        ------
        ValueError
            If there was no calibration with suites, or there are fewer than three clusters of a
            cross-section.
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
        """Return the features that suites were described by, of each network."""
        if (embedding is not None) != self._of_embedding:
            wanted = "left out: calibrate had none" if embedding is not None else "given, as to calibrate"
            raise ValueError(f"embedding must be {wanted}")
        return self._described(probabilities, embedding)

    def _described(self, probabilities, embedding):
        """Return the features of the maps by each network: scores, or the embedding if there is one."""
        if embedding is None:
            return self._classes.scores(probabilities)[..., np.newaxis]
        features = check_array(embedding, input_name="embedding")
        check_consistent_length(probabilities[0], features)
        return [features]

    def pvalue(self, embedding, groups=None):
        """Return how often a suite of the calibration is as far from the others as a sample is from all.

        Parameters
        ----------
        embedding : array-like of shape (n_maps, n_features)
            Features of the maps of the sample, as the calibration had.
        groups : array-like of shape (n_maps,) or None, default=None
            Cluster of each map; None if all differ.

        Returns
        -------
        float
            Near 0 for a sample unlike every suite.
        """
        if not getattr(self, "_responses", None) or not self._of_embedding:
            raise ValueError("pvalue needs a calibration with suites and embedding")
        features = check_array(embedding, input_name="embedding")
        return self._responses[0].pvalue(features, number_clusters(groups, len(features)), self._axis)

    def _use(self, responses, of_embedding):
        responses[0].check_axis(self._axis)
        self._responses, self._of_embedding, self._distributions = responses, of_embedding, None
        self._own = None
        self._calibrated_for = self._classes.meaning
        return self

    def _by_suites(self, probabilities, groups, embedding):
        """Use suites as a random effect; return log-likelihoods of each network, outliers not counted."""
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
