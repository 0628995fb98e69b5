"""Intervals, limits and summary of the posterior of the cross-section."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from darkcnn.inference.checks import check_level

_MAX_OUTLIER_FRACTION = 0.25
"""Outlier fraction above which a warning is raised."""

_MAX_SYSTEMATIC_FRACTION = 0.25
"""Systematic fraction of the variance above which a warning is raised."""


class CredibleIntervals:
    """Mixin of :class:`~darkcnn.CrossSectionPosterior`: intervals and limits from the fitted density."""

    def interval(self, level=0.68):
        """Return the shortest credible interval on the axis.

        Parameters
        ----------
        level : float, default=0.68
            Probability in the interval.

        Returns
        -------
        low, high : float
            Ends, cm2/g; `high` is infinite if the interval contains the highest class.
        """
        check_is_fitted(self)
        check_level(level)
        low, high = self._axis.cross_section(np.array(self._density.interval(level)))
        return float(low), float(high) if high < self.grid_[-1] * (1 - 1e-9) else float("inf")

    def probability_below(self, cross_section):
        """Return the posterior probability that the cross-section is below a value.

        Parameters
        ----------
        cross_section : float
            Value, cm2/g.

        Returns
        -------
        float
            Probability; 0 at the lowest class and 1 from the highest on.
        """
        check_is_fitted(self)
        if not isinstance(cross_section, Real) or np.isnan(cross_section):
            raise ValueError(f"cross_section must be a number, in cm2/g, got {cross_section!r}")
        inside = np.clip(cross_section, self.grid_[0], self.grid_[-1])
        return float(self._density.below(self._axis.position(inside)))

    def upper_limit(self, level=0.95):
        """Return an upper limit on the cross-section.

        Parameters
        ----------
        level : float, default=0.95
            Probability.

        Returns
        -------
        float
            Limit, cm2/g. Infinite if the data do not exclude the highest class: its density exceeds exp(-z^2
            / 2) of the peak, where `level` is the probability of a normal variable below z.
        """
        check_is_fitted(self)
        check_level(level)
        return float("inf") if self._density.reaches(-1, level) else self._quantile(level)

    def lower_limit(self, level=0.95):
        """Return a lower limit on the cross-section.

        Parameters
        ----------
        level : float, default=0.95
            Probability.

        Returns
        -------
        float
            Limit, cm2/g; the lowest class if the data do not exclude it, by the criterion of
            :meth:`upper_limit`.
        """
        check_is_fitted(self)
        check_level(level)
        return float(self.grid_[0]) if self._density.reaches(0, level) else self._quantile(1 - level)

    @property
    def n_effective_(self):
        """Largest effective number of clusters, float; None without suites.

        For this number, the variance of the sample equals the sum of the variances between suites, of the
        calibration and of the discrepancy. More clusters hardly reduce the error.
        """
        if self.variances_ is None:
            return None
        rest = sum(self.variances_.values()) - self.variances_["sample"]
        return self.n_clusters_ * self.variances_["sample"] / rest

    def summary(self):
        """Return a summary in one line.

        Returns
        -------
        str
            Value with its 68 % interval, or a limit at 95 %.
        """
        check_is_fitted(self)
        lower, upper = self.lower_limit(), self.upper_limit()
        sample = "1 cluster" if self.n_clusters_ == 1 else f"{self.n_clusters_} clusters"
        if self.n_effective_ is not None and self.n_effective_ < self.n_clusters_:
            sample += f", effectively at most {self.n_effective_:.0f}"
        at = "" if self._classes.velocity is None else f" at {self._classes.velocity:g} km/s"
        if lower == self.grid_[0] and np.isinf(upper):
            return f"no limit on the cross-section{at} from {sample}"
        if lower == self.grid_[0]:
            return f"cross-section{at} < {upper:.2g} cm2/g (95 %, {sample})"
        if np.isinf(upper):
            return f"cross-section{at} > {lower:.2g} cm2/g (95 %, {sample})"
        low, high = self.interval()
        return f"cross-section{at} = {self.median_:.2g} cm2/g, {low:.2g} to {high:.2g} (68 %, {sample})"

    def _messages(self):
        """Yield the warnings that apply to the result."""
        if self.outlier_fraction_ > _MAX_OUTLIER_FRACTION:
            yield (
                f"{self.outlier_fraction_:.0%} of the maps are outliers: the sample is unlike the training "
                "set, and its cross-section may be meaningless"
            )
        if np.isinf(self.upper_limit()) and self.lower_limit() > self.grid_[0]:
            yield (
                f"the sample is consistent with the highest class, {self.grid_[-1]:g} cm2/g: the "
                "cross-section has a lower limit only"
            )
        elif self.variances_ is None and self.systematic_fraction_ > _MAX_SYSTEMATIC_FRACTION:
            yield (
                f"{self.systematic_fraction_:.0%} of the variance is systematic, from calibration and "
                "networks: a larger sample hardly narrows the intervals; calibrate with more held-out "
                "clusters, and with cross-sections between the classes"
            )

    def _quantile(self, level):
        return float(self._axis.cross_section(self._density.quantile(level)))
