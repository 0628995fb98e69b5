"""Labels of dark-matter models."""

import re
from numbers import Real

import numpy as np

_FEEDBACK = r"[\w.+-]+"  # what follows the slash of a joint label


def label_of(cross_section, velocity_scale=None):
    """Name the dark-matter model of a cross-section.

    Labels are strings, because scikit-learn takes floats such as 0.1 for the target of a regression.

    Parameters
    ----------
    cross_section : float
        Self-interaction cross-section per unit mass, cm2/g; 0 is cold dark matter.
    velocity_scale : float or None, default=None
        Velocity w in km/s from which the cross-section falls, see :func:`darkcnn.records.cross_section_at`;
        None where it does not depend on velocity.

    Returns
    -------
    str
        ``"CDM"`` for 0, otherwise ``"SIDM"`` and the number; ``"vdSIDM"``, the number, ``"w"`` and
        `velocity_scale` where it depends on velocity.

    Raises
    ------
    ValueError
        If `cross_section` is negative or not finite, or `velocity_scale` not a positive number.

    Examples
    --------
    >>> from darkcnn import label_of
    >>> label_of(0), label_of(0.1), label_of(1.0), label_of(3.04, velocity_scale=560)
    ('CDM', 'SIDM0.1', 'SIDM1', 'vdSIDM3.04w560')
    """
    if not isinstance(cross_section, Real) or not np.isfinite(cross_section) or cross_section < 0:
        raise ValueError(f"cross_section must be a number of cm2/g, zero or more, got {cross_section!r}")
    if velocity_scale is not None and not (
        isinstance(velocity_scale, Real) and np.isfinite(velocity_scale) and velocity_scale > 0
    ):
        raise ValueError(f"velocity_scale must be a number of km/s above zero, got {velocity_scale!r}")
    if cross_section == 0:
        return "CDM"
    label = f"SIDM{_text_of(cross_section)}"
    return label if velocity_scale is None else f"vd{label}w{_text_of(velocity_scale)}"


def _text_of(number):
    """Write a number with the digits that its type holds: 0.1 of a file of float32 is no 0.10000000149."""
    digits = np.finfo(number).precision if isinstance(number, np.floating) else 12
    return f"{float(number):.{min(digits, 12)}g}"


def cross_section_of(label, velocity=None):
    """Return the cross-section that a label names, the inverse of :func:`label_of`.

    Parameters
    ----------
    label : str
        ``"CDM"``, ``"SIDM"`` and a number, or ``"vdSIDM"``, a number, ``"w"`` and a velocity scale.
        Feedback that follows, as :func:`darkcnn.records.join_labels` writes it, is ignored.
    velocity : float, ndarray or None, default=None
        Velocity in km/s, for a cross-section that depends on it as
        :func:`darkcnn.records.cross_section_at` says.

    Returns
    -------
    float or ndarray
        Self-interaction cross-section per unit mass, cm2/g.

    Raises
    ------
    ValueError
        If `label` names no cross-section, or one that depends on velocity and none is given.

    Examples
    --------
    >>> from darkcnn import cross_section_of
    >>> cross_section_of("CDM"), cross_section_of("SIDM0.3"), cross_section_of("CDM/strong")
    (0.0, 0.3, 0.0)
    >>> cross_section_of("vdSIDM3.04w560", velocity=560)
    1.52
    """
    number = r"\d+(?:\.\d+)?(?:e[-+]?\d+)?"
    parts = re.fullmatch(rf"(?:CDM|SIDM({number})|vdSIDM({number})w({number}))(?:/{_FEEDBACK})?", str(label))
    if parts is None:
        raise ValueError(
            f"label must be 'CDM' or 'SIDM' and a number, such as 'SIDM0.1', got {label!r}; "
            "darkcnn.label_of(0.1) is 'SIDM0.1'"
        )
    constant, at_rest, scale = parts.groups()
    if scale is None:
        return float(constant or 0)
    if velocity is None:
        raise ValueError(f"the cross-section of {label!r} depends on velocity: give velocity in km/s")
    return cross_section_at(velocity, float(at_rest), float(scale))


def sort_labels(labels):
    """Put different labels in order: by cross-section, at low velocity where it depends on velocity.

    Parameters
    ----------
    labels : array-like of str
        Labels, which may repeat.

    Returns
    -------
    list of str
        Each label once.

    Examples
    --------
    >>> from darkcnn.records import sort_labels
    >>> sort_labels(["SIDM1", "CDM/strong", "CDM", "SIDM0.1", "CDM"])
    ['CDM', 'CDM/strong', 'SIDM0.1', 'SIDM1']
    """
    return sorted(np.unique(labels).tolist(), key=lambda label: cross_section_of(label, velocity=0))


def cross_section_at(velocity, cross_section, velocity_scale=None):
    r"""Return a cross-section at one velocity: :math:`\sigma = \sigma_0 / (1 + v^2 / w^2)`.

    The form in which Harvey (2024) compares networks with a simulation of :math:`\sigma_0` = 3.04 cm2/g and
    :math:`w` = 560 km/s, v being the circular velocity of a halo at its virial radius.

    Parameters
    ----------
    velocity : float or ndarray
        Velocity v in km/s.
    cross_section : float
        Cross-section per unit mass at low velocity, cm2/g.
    velocity_scale : float or None, default=None
        Velocity w in km/s; None if the cross-section does not depend on velocity.

    Returns
    -------
    float or ndarray
        Cross-section per unit mass, cm2/g.

    Examples
    --------
    >>> from darkcnn.records import cross_section_at
    >>> cross_section_at(560.0, 3.04, velocity_scale=560.0)
    1.52
    """
    return cross_section if velocity_scale is None else cross_section / (1 + (velocity / velocity_scale) ** 2)


def join_labels(dark_matter, feedback):
    """Name classes of dark matter and feedback together.

    A classifier that learns such classes tells both. Sum its probabilities over feedback where only dark
    matter matters: :func:`darkcnn.records.split_labels` says which classes belong together.

    Parameters
    ----------
    dark_matter : array-like of str, shape (n_samples,)
        Labels such as ``"CDM"`` and ``"SIDM0.1"``.
    feedback : array-like of str, shape (n_samples,)
        ``"fiducial"``, or a word of letters, digits and any of ``_.+-`` for a variant, such as ``"strong"``.

    Returns
    -------
    ndarray of shape (n_samples,)
        Labels such as ``"CDM/strong"``; fiducial feedback goes without saying, ``"CDM"``.

    Raises
    ------
    ValueError
        If a word of `feedback` is none, or the lengths differ.

    Examples
    --------
    >>> from darkcnn.records import join_labels, split_labels
    >>> labels = join_labels(["CDM", "CDM", "SIDM1"], ["weak", "fiducial", "strong"])
    >>> labels.tolist()
    ['CDM/weak', 'CDM', 'SIDM1/strong']
    >>> dark_matter, feedback = split_labels(labels)
    >>> dark_matter.tolist(), feedback.tolist()
    (['CDM', 'CDM', 'SIDM1'], ['weak', 'fiducial', 'strong'])
    """
    wrong = [name for name in np.unique(feedback) if not re.fullmatch(_FEEDBACK, name)]
    if wrong:
        raise ValueError(f"feedback must be words such as 'fiducial' and 'strong', got {wrong[0]!r}")
    return np.array([
        name if variant == "fiducial" else f"{name}/{variant}"
        for name, variant in zip(dark_matter, feedback, strict=True)
    ], dtype=str)  # fmt: skip


def split_labels(labels):
    """Separate dark matter and feedback, the inverse of :func:`darkcnn.records.join_labels`.

    Parameters
    ----------
    labels : array-like of str, shape (n_samples,)
        Labels such as ``"CDM"`` and ``"CDM/strong"``.

    Returns
    -------
    dark_matter, feedback : ndarray of shape (n_samples,)
        Labels such as ``"CDM"``, and words such as ``"fiducial"`` and ``"strong"``.

    Examples
    --------
    >>> from darkcnn.records import split_labels
    >>> dark_matter, feedback = split_labels(["CDM", "SIDM1/strong"])
    >>> dark_matter.tolist(), feedback.tolist()
    (['CDM', 'SIDM1'], ['fiducial', 'strong'])
    """
    labels, places = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    parts = [label.partition("/") for label in labels.tolist()]
    dark_matter = np.array([name for name, _, _ in parts], dtype=str)
    return dark_matter[places], np.array([variant or "fiducial" for *_, variant in parts], dtype=str)[places]
