"""Inference of the cross-section of a sample, with checks and warnings."""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from darkcnn.inference import CrossSectionPosterior, DomainTest, SuiteResponse, marginalize_feedback
from darkcnn.persistence import check_training, rows_of_new_halos, warn_about_blur
from darkcnn.preprocessing import MapScaler, RadialProfiles, RotationFlipAugmenter
from darkcnn.pretrained import PretrainedEmbedding, read_pretrained
from darkcnn.records import MAPS, canonical_labels, is_records, sort_labels, split_labels


def infer_cross_section(
    model, clusters, calibration=None, *, training=None, velocity=None, random_state=None
):
    """Infer the cross-section of a sample of clusters with a fitted model, like ``darkcnn infer``.

    Probabilities of classes that differ only in feedback are summed and divided by the class fractions of the
    training set. Several maps of one halo count as one cluster.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        Fitted pipeline, from records to probabilities.
    clusters : sklearn.utils.Bunch
        Sample from a loader, of one simulation and one dark-matter model. Labels are not needed; where there
        are any, several models or suites cause a warning.
    calibration : sklearn.utils.Bunch or None, default=None
        Labelled clusters that are not in the training set; they calibrate the probabilities and are the
        reference of the out-of-distribution test. If they have several feedback variants, the feedback of the
        sample is unknown; if they have several suites, each is a draw from a population. A packaged network
        has its own calibration with suites; a few halos of the own simulation of the sample, at least three
        at each of two cross-sections, improve it. None for uncalibrated probabilities, or for the calibration
        of the packaged network.
    training : dict or None, default=None
        Training set of the model, see :func:`darkcnn.persistence.describe_training`, for class fractions and
        known halos.
    velocity : float or None, default=None
        Velocity in km/s for velocity-dependent cross-sections, see :class:`~darkcnn.CrossSectionPosterior`.
    random_state : int or None, default=None
        Seed of the calibration and the out-of-distribution test.

    Returns
    -------
    posterior : CrossSectionPosterior
        Fitted posterior.
    result : dict
        Plain values for JSON: ``summary``; ``n_maps``, ``n_clusters``; ``mean``, ``median``, ``interval_68``,
        ``interval_95``, ``lower_limit_95``, ``upper_limit_95`` in cm2/g, None without upper end; ``velocity``
        in km/s, None for constant cross-sections; ``posterior``, ``log_evidence_ratio`` and
        ``training_prior`` of each class; ``outlier_fraction``, None with suites; ``systematic_fraction``;
        ``variances`` and ``n_effective``, the largest effective number of clusters, None without suites;
        ``sample_pvalue`` from :class:`~darkcnn.inference.DomainTest` of the radial profiles of the maps and
        of the embedding of a network (twice the smaller p-value), or from the suites of a packaged network,
        None without calibration or with suites of your own; ``warnings``, which are only returned, not
        issued.

    Raises
    ------
    ValueError
        If the calibration has no labels, too few clusters or clusters of the training set, or `training` is
        incomplete.

    Examples
    --------
    >>> import numpy as np
    >>> from darkcnn.datasets import load_example, make_bunch
    >>> from darkcnn.preprocessing import profile_baseline
    >>> from darkcnn.report import infer_cross_section
    >>> example = load_example()
    >>> model = profile_baseline().fit(example.data[:240], example.target[:240])
    >>> others = np.arange(len(example.data)) >= 240
    >>> sample = make_bunch(example.data[others & (example.target == "SIDM1")], None)
    >>> posterior, result = infer_cross_section(model, sample, random_state=0)
    >>> result["n_clusters"], list(result["posterior"])
    (48, ['CDM', 'SIDM0.1', 'SIDM0.3', 'SIDM1'])
    """
    if training is not None:
        check_training(training)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        warn_about_blur(training, clusters)
        n_trained_on = _count_trained_on(training, clusters)
        if n_trained_on:
            warnings.warn(
                f"{n_trained_on} of {len(clusters.data)} clusters are of halos that the model was trained "
                "on: its probabilities for these clusters are over-confident",
                UserWarning,
                stacklevel=2,
            )
        _warn_about_mixtures(clusters)
        probabilities, embedding = _predict(model, clusters.data)
        probabilities, classes = marginalize_feedback(probabilities, model.classes_)
        prior = _training_prior(model, training)
        posterior = CrossSectionPosterior(
            classes.tolist(), training_prior=prior, velocity=velocity, random_state=random_state
        )
        pvalue = None
        suites = getattr(calibration, "suite", None)
        is_packaged = isinstance(model[0], PretrainedEmbedding) and suites is None
        if is_packaged:
            maps = _available_maps(model[0], clusters.data)
            posterior.calibrate_with(packaged_response(model[0].name_, maps, _n_pixels(clusters)))
            pvalue = posterior.pvalue(embedding, clusters.groups)
            if calibration is not None:
                _check_own(model[0], calibration, clusters, maps)
                restricted = make_pipeline(clone(model[0]).set_params(maps=maps), model[-1])
                restricted[0].fit(calibration.data)
                own, features = _held_out(restricted, calibration, training)
                posterior.condition(own, calibration.target, calibration.groups, embedding=features)
        elif calibration is None:
            warnings.warn(
                "not calibrated: errors are as over-confident as the model", UserWarning, stacklevel=2
            )
        else:
            own, own_embedding = _held_out(model, calibration, training)
            posterior.calibrate(
                own, calibration.target, calibration.groups, calibration.feedback, suites=suites
            )
            if suites is None:
                features = [[domain_features(model, each.data) for each in (calibration, clusters)]]
                if hasattr(model[-1], "predict_and_embed"):
                    features.append([own_embedding, embedding])
                test = DomainTest(random_state=random_state)
                pvalue = combine_pvalues(
                    [
                        test.fit(known, calibration.target, calibration.groups).sample_pvalue(
                            unknown, clusters.groups
                        )
                        for known, unknown in features
                    ]
                ).item()
        posterior.fit(probabilities, clusters.groups, embedding=embedding if is_packaged else None)
    for each in caught:
        if not issubclass(each.category, UserWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    labels = posterior.classes
    return posterior, {
        "summary": posterior.summary(),
        "n_maps": len(clusters.data),
        "n_clusters": posterior.n_clusters_,
        "mean": posterior.mean_,
        "median": posterior.median_,
        "interval_68": [_finite(end) for end in posterior.interval(0.68)],
        "interval_95": [_finite(end) for end in posterior.interval(0.95)],
        "lower_limit_95": posterior.lower_limit(),
        "upper_limit_95": _finite(posterior.upper_limit()),
        "velocity": velocity,
        "posterior": dict(zip(labels, posterior.posterior_.tolist(), strict=True)),
        "log_evidence_ratio": {label: posterior.log_evidence_ratio(label, labels[0]) for label in labels},
        "training_prior": dict(zip(labels, prior.tolist(), strict=True)),
        "outlier_fraction": None if posterior.variances_ else posterior.outlier_fraction_,
        "systematic_fraction": posterior.systematic_fraction_,
        "variances": posterior.variances_,
        "n_effective": posterior.n_effective_,
        "sample_pvalue": pvalue,
        "warnings": [str(each.message) for each in caught if issubclass(each.category, UserWarning)],
    }


def _warn_about_mixtures(clusters):
    """Warn about clusters of several dark-matter models, or of several suites."""
    target, suites = (getattr(clusters, name, None) for name in ("target", "suite"))
    models = [] if target is None else sort_labels(target)
    if len(models) > 1:
        warnings.warn(
            f"the sample contains clusters of {len(models)} dark-matter models, {', '.join(models)}: the "
            "result is one cross-section for all of them",
            UserWarning,
            stacklevel=3,
        )
    n_suites = 1 if suites is None else len(np.unique(suites))
    if n_suites > 1:
        warnings.warn(
            f"the sample contains clusters of {n_suites} suites: the error is valid for clusters of one",
            UserWarning,
            stacklevel=3,
        )


def packaged_response(name, maps, n_pixels):
    """Return the calibration of a packaged network for these maps and the nearest number of pixels."""
    arrays = read_pretrained(name).group("calibration")
    choices = {tuple(key.split("/")[:2]) for key in arrays}
    wanted = "+".join(maps)
    pixels = sorted(int(n) for subset, n in choices if subset == wanted)
    if not pixels:
        raise ValueError(
            f"{name} is calibrated for the maps {sorted({subset for subset, _ in choices})}, got "
            f"{wanted!r}: pass your own calibration"
        )
    nearest = min(pixels, key=lambda each: abs(np.log(each / n_pixels)))
    prefix = f"{wanted}/{nearest}/"
    return SuiteResponse.from_arrays(
        {key.removeprefix(prefix): each for key, each in arrays.items() if key.startswith(prefix)}
    )


def _available_maps(embed, records, argument="clusters"):
    """Return the maps that a packaged network uses of these clusters, which must all have the same."""
    names = MAPS if embed.maps == "all" else embed.maps
    missing = {name: np.isnan(records[name][:, 0, 0]) for name in MAPS if name in names}
    gaps = [name for name, rows in missing.items() if rows.any() and not rows.all()]
    if gaps:
        raise ValueError(f"{argument} must all have the same maps to be combined, but {gaps} are NaN in some")
    return tuple(name for name, rows in missing.items() if not rows.all())


def _check_own(embed, own, sample, maps):
    """Check that halos of the own simulation are mapped like the sample."""
    lacking = sorted(set(maps) - set(_available_maps(embed, own.data, "calibration")))
    if lacking:
        raise ValueError(f"calibration must have the maps of the sample, {list(maps)}, but lacks {lacking}")
    if _n_pixels(own) != _n_pixels(sample):
        warnings.warn(
            f"the maps of the calibration have {_n_pixels(own)} pixels on a side, those of the sample "
            f"{_n_pixels(sample)}: their difference may be taken for one of the cross-section",
            UserWarning,
            stacklevel=3,
        )


def _n_pixels(clusters):
    return clusters.data["total"].shape[1]


def _held_out(model, calibration, training):
    """Return probabilities and embedding of labelled, held-out clusters."""
    if calibration.target is None:
        raise ValueError("calibration must have labels, got none")
    n_trained_on = _count_trained_on(training, calibration)
    if n_trained_on:
        raise ValueError(
            f"calibration must contain clusters that the model was not trained on, but {n_trained_on} of "
            f"{len(calibration.data)} are of halos of its training set"
        )
    probabilities, embedding = _predict(model, calibration.data)
    return marginalize_feedback(probabilities, model.classes_)[0], embedding


def combine_pvalues(pvalues):
    """Combine p-values of tests along the first axis, which may depend on each other, as by Bonferroni."""
    return np.minimum(1, len(pvalues) * np.min(pvalues, axis=0))


def domain_features(model, records):
    """Return features for the out-of-distribution test: radial profiles of the maps that a model gets.

    The maps have the noise of the first steps of the model, but no stretch, which hides faint pixels. If the
    model does not start with maps, its own features are returned.
    """
    features = records
    for _, step in model[:-1].steps:
        if isinstance(step, MapScaler | RotationFlipAugmenter):
            break
        features = step.transform(features)
    is_map = is_records(features) or len(features.shape) == 4
    return RadialProfiles().fit_transform(features) if is_map else features


def _predict(model, records):
    """Return probabilities and embedding of clusters; without a network, the input of the last step."""
    features = model[:-1].transform(records)
    if hasattr(model[-1], "predict_and_embed"):
        return model[-1].predict_and_embed(features)
    return model[-1].predict_proba(features), features


def _training_prior(model, training):
    """Return the class fractions of the training set, which are contained in the probabilities."""
    classes = canonical_labels(model.classes_)
    class_weight = getattr(model[-1], "class_weight", None)
    if training is None and isinstance(model[0], PretrainedEmbedding):  # trained on balanced classes
        class_weight = "balanced"
    if class_weight == "balanced":
        return marginalize_feedback(np.ones(len(classes)) / len(classes), classes)[0]
    counts = {} if training is None else training["clusters_of_class"]
    counts = dict(zip(canonical_labels(list(counts)).tolist(), counts.values(), strict=True))
    dark_matter, _ = split_labels(classes)
    if not set(classes.tolist()) <= set(counts):  # no feedback in the notes: assume equal fractions
        counts = {
            label: counts.get(name, 0) / (dark_matter == name).sum()
            for label, name in zip(classes.tolist(), dark_matter.tolist(), strict=True)
        }
    numbers = np.array([counts[label] for label in classes.tolist()], dtype=float)
    if not (numbers > 0).all():
        warnings.warn(
            "the model has no notes on the class fractions of its training set: equal fractions are assumed",
            UserWarning,
            stacklevel=3,
        )
        numbers = np.ones(len(classes))
    if class_weight is not None:
        weights = dict(zip(canonical_labels(list(class_weight)), class_weight.values(), strict=True))
        numbers *= [weights.get(label, 1) for label in classes.tolist()]
    return marginalize_feedback(numbers / numbers.sum(), classes)[0]


def _count_trained_on(training, clusters):
    """Count clusters with halos of the training set, by content, because ids may repeat in simulations."""
    if training is None:
        return 0
    return len(clusters.data) - len(rows_of_new_halos(training, clusters, compare_ids=False))


def _finite(number):
    """Return the number, or None if infinite, which JSON does not support."""
    return None if np.isinf(number) else number
