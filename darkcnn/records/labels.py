"""Dark-matter models and their labels."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from numbers import Real

import numpy as np

_FEEDBACK = r"[\w.+-]+"
_NUMBER = r"\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_LABEL = re.compile(rf"(?:CDM|SIDM({_NUMBER})|vdSIDM({_NUMBER})w({_NUMBER}))(?:/({_FEEDBACK}))?")


@dataclass(frozen=True)
class DarkMatter:
    """Dark-matter model: cross-section, velocity scale and feedback.

    ``str`` returns the label. Numbers are rounded to twelve digits, or to the precision of their type. Models
    are sorted by low-velocity cross-section, velocity scale and feedback, ``"fiducial"`` first.

    Parameters
    ----------
    cross_section : float
        Self-interaction cross-section per unit mass, cm2/g, at low velocity; 0 is cold dark matter.
    velocity_scale : float or None, default=None
        Velocity w in km/s above which the cross-section decreases; None if it is constant.
    feedback : str, default="fiducial"
        Variant of the AGN feedback: letters, digits and any of ``_.+-``.

    Examples
    --------
    >>> from darkcnn.records import DarkMatter
    >>> str(DarkMatter(0.1)), str(DarkMatter(3.04, velocity_scale=560, feedback="strong"))
    ('SIDM0.1', 'vdSIDM3.04w560/strong')
    >>> DarkMatter.parse("SIDM1.0/fiducial") == DarkMatter(1)
    True
    >>> DarkMatter.parse("vdSIDM3.04w560").at(560)
    1.52
    """

    cross_section: float
    velocity_scale: float | None = None
    feedback: str = "fiducial"

    def __post_init__(self):
        sigma, scale = self.cross_section, self.velocity_scale
        if not isinstance(sigma, Real) or not np.isfinite(sigma) or sigma < 0:
            raise ValueError(f"cross_section must be a number of cm2/g, zero or more, got {sigma!r}")
        if scale is not None and not (isinstance(scale, Real) and np.isfinite(scale) and scale > 0):
            raise ValueError(f"velocity_scale must be a number of km/s above zero, got {scale!r}")
        if not re.fullmatch(_FEEDBACK, str(self.feedback)):
            raise ValueError(f"feedback must be words such as 'fiducial' and 'strong', got {self.feedback!r}")
        scale = None if scale is None or sigma == 0 else float(_text_of(scale))
        vars(self).update(
            cross_section=float(_text_of(sigma)), velocity_scale=scale, feedback=str(self.feedback)
        )

    @classmethod
    def parse(cls, label):
        """Parse a label, the inverse of ``str``.

        Parameters
        ----------
        label : str
            ``"CDM"``, ``"SIDM"`` and a number, or ``"vdSIDM"``, a number, ``"w"`` and a velocity scale; for
            feedback other than fiducial, followed by ``"/"`` and its name.

        Returns
        -------
        DarkMatter
            Dark-matter model.
        """
        return _parse(str(label))

    def __str__(self):
        name = f"SIDM{_text_of(self.cross_section)}" if self.cross_section else "CDM"
        if self.depends_on_velocity:
            name = f"vd{name}w{_text_of(self.velocity_scale)}"
        return name if self.feedback == "fiducial" else f"{name}/{self.feedback}"

    def __lt__(self, other):
        return self._rank < other._rank

    @property
    def _rank(self):
        scale = self.velocity_scale if self.depends_on_velocity else np.inf
        return self.cross_section, scale, self.feedback != "fiducial", self.feedback

    @property
    def depends_on_velocity(self):
        """Whether the cross-section depends on velocity."""
        return self.velocity_scale is not None

    def at(self, velocity):
        r"""Return the cross-section at a velocity: :math:`\sigma = \sigma_0 / (1 + v^2 / w^2)`.

        Following Harvey (2024), v is the circular velocity of a halo at its virial radius.

        Parameters
        ----------
        velocity : float or ndarray
            Velocity v in km/s; 0 for the low-velocity limit.

        Returns
        -------
        float or ndarray
            Self-interaction cross-section per unit mass, cm2/g.
        """
        if self.velocity_scale is None:
            return self.cross_section
        return self.cross_section / (1 + (velocity / self.velocity_scale) ** 2)


@lru_cache(maxsize=1024)  # labels of samples repeat
def _parse(label):
    parts = _LABEL.fullmatch(label)
    if parts is None:
        raise ValueError(
            f"label must be 'CDM' or 'SIDM' and a number, such as 'SIDM0.1', got {label!r}; "
            "darkcnn.label_of(0.1) is 'SIDM0.1'"
        )
    constant, at_rest, scale, feedback = parts.groups()
    return DarkMatter(
        float(constant or at_rest or 0), scale and (float(scale) or None), feedback or "fiducial"
    )


def _text_of(number):
    """Format a number with the precision of its type, so that 0.1 in float32 is not 0.10000000149."""
    digits = np.finfo(number).precision if isinstance(number, np.floating) else 12
    return f"{float(number):.{min(digits, 12)}g}"


def label_of(cross_section, velocity_scale=None):
    """Return the label of a dark-matter model by its cross-section.

    Labels are strings, because scikit-learn treats floats such as 0.1 as a regression target.

    Parameters
    ----------
    cross_section : float
        Self-interaction cross-section per unit mass, cm2/g; 0 is cold dark matter.
    velocity_scale : float or None, default=None
        Velocity in km/s above which the cross-section decreases, see :class:`darkcnn.records.DarkMatter`.

    Returns
    -------
    str
        ``"CDM"`` for 0, otherwise ``"SIDM"`` and the number, or for a velocity-dependent cross-section
        ``"vdSIDM"``, the number, ``"w"`` and `velocity_scale`.

    Examples
    --------
    >>> from darkcnn import label_of
    >>> label_of(0), label_of(0.1), label_of(1.0), label_of(3.04, velocity_scale=560)
    ('CDM', 'SIDM0.1', 'SIDM1', 'vdSIDM3.04w560')
    """
    return str(DarkMatter(cross_section, velocity_scale))


def cross_section_of(label, velocity=None):
    """Return the cross-section of a label, the inverse of :func:`label_of`.

    Parameters
    ----------
    label : str
        Label, see :meth:`darkcnn.records.DarkMatter.parse`. Its feedback is ignored.
    velocity : float, ndarray or None, default=None
        Velocity in km/s, required if the cross-section depends on it.

    Returns
    -------
    float or ndarray
        Self-interaction cross-section per unit mass, cm2/g.

    Examples
    --------
    >>> from darkcnn import cross_section_of
    >>> cross_section_of("CDM"), cross_section_of("SIDM0.3"), cross_section_of("CDM/strong")
    (0.0, 0.3, 0.0)
    >>> cross_section_of("vdSIDM3.04w560", velocity=560)
    1.52
    """
    model = DarkMatter.parse(label)
    if velocity is None and model.depends_on_velocity:
        raise ValueError(f"the cross-section of {str(label)!r} depends on velocity: give velocity in km/s")
    return model.at(velocity)


def canonical_labels(labels):
    """Convert labels to the canonical form of :class:`darkcnn.records.DarkMatter`.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        Labels. Other strings are returned unchanged.

    Returns
    -------
    ndarray of shape (n_samples,)
        Labels such as ``"CDM"``, ``"SIDM1"`` and ``"vdSIDM3.04w560/strong"``.

    Examples
    --------
    >>> from darkcnn.records import canonical_labels
    >>> canonical_labels(["SIDM1.0", "SIDM1", "CDM/fiducial", "SIDM0", "merger"]).tolist()
    ['SIDM1', 'SIDM1', 'CDM', 'CDM', 'merger']
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "UO":  # numbers are not labels
        return labels
    return np.array([label if (model := _model(label)) is None else str(model) for label in labels.tolist()])


def _model(label):
    """Return the model of a label, or None."""
    try:
        return DarkMatter.parse(label)
    except ValueError:
        return None


def sort_labels(labels):
    """Return the distinct labels, sorted by cross-section.

    Parameters
    ----------
    labels : array-like of str
        Labels, possibly repeated.

    Returns
    -------
    list of str
        Labels in the order of :class:`darkcnn.records.DarkMatter`, followed by other strings in alphabetical
        order.

    Examples
    --------
    >>> from darkcnn.records import sort_labels
    >>> sort_labels(["SIDM1", "vdSIDM1w560", "CDM/strong", "CDM", "SIDM0.1", "CDM"])
    ['CDM', 'CDM/strong', 'SIDM0.1', 'vdSIDM1w560', 'SIDM1']
    """
    models = {label: _model(label) for label in np.unique(labels).tolist()}
    return sorted(models, key=lambda label: (1,) if models[label] is None else (0, models[label]))


def join_labels(dark_matter, feedback):
    """Combine labels of dark matter and feedback.

    Parameters
    ----------
    dark_matter : array-like of str, shape (n_samples,)
        Labels such as ``"CDM"`` and ``"SIDM0.1"``.
    feedback : array-like of str, shape (n_samples,)
        ``"fiducial"`` or another variant, such as ``"strong"``.

    Returns
    -------
    ndarray of shape (n_samples,)
        Labels such as ``"CDM/strong"``; with fiducial feedback, ``"CDM"``.

    Examples
    --------
    >>> from darkcnn.records import join_labels
    >>> join_labels(["CDM", "CDM", "SIDM1"], ["weak", "fiducial", "strong"]).tolist()
    ['CDM/weak', 'CDM', 'SIDM1/strong']
    """
    joined = []
    for label, variant in zip(dark_matter, feedback, strict=True):
        model = DarkMatter.parse(label)
        if model.feedback not in ("fiducial", variant):
            raise ValueError(f"dark_matter has label {str(label)!r} where feedback is {str(variant)!r}")
        joined.append(str(replace(model, feedback=variant)))
    return np.array(joined, dtype=str)


def split_labels(labels):
    """Split labels into dark matter and feedback, the inverse of :func:`darkcnn.records.join_labels`.

    Parameters
    ----------
    labels : array-like of str, shape (n_samples,)
        Labels such as ``"CDM"`` and ``"CDM/strong"``.

    Returns
    -------
    dark_matter, feedback : ndarray of shape (n_samples,)
        Labels such as ``"CDM"``, and variants such as ``"fiducial"`` and ``"strong"``.

    Examples
    --------
    >>> from darkcnn.records import split_labels
    >>> dark_matter, feedback = split_labels(["CDM", "SIDM1/strong"])
    >>> dark_matter.tolist(), feedback.tolist()
    (['CDM', 'SIDM1'], ['fiducial', 'strong'])
    """
    parts = [_split(str(label)) for label in labels]
    return tuple(np.array([part[i] for part in parts], dtype=str) for i in range(2))


@lru_cache(maxsize=1024)
def _split(label):
    model = _parse(label)
    return str(replace(model, feedback="fiducial")), model.feedback
