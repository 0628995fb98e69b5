"""Every form of the data with everything that takes it: one table each."""

from functools import cache

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import fits_table

from darkcnn import (
    DarkCNNClassifier,
    DarkCNNEnsemble,
    MapScaler,
    MapSelector,
    ObservedRecords,
    RadialProfiles,
    RotationFlipAugmenter,
    WeakLensingNoise,
    XrayNoise,
    augment,
    default_pipeline,
    load_pretrained,
    run_study,
)
from darkcnn.datasets import load_clusters, make_bunch, make_clusters, save_clusters
from darkcnn.inspection import (
    annulus_importance,
    attribute_importance,
    channel_importance,
    occlusion,
    saliency,
)
from darkcnn.model_selection import cross_validate_by_cluster
from darkcnn.persistence import describe_training
from darkcnn.plotting import RecordsDisplay
from darkcnn.preprocessing import attribute_table, profile_baseline
from darkcnn.pretrained import PretrainedEmbedding
from darkcnn.records import RecordsOnDisk

CLUSTERS = make_clusters(6, cross_sections=(0, 1), redshifts=(0.1, 0.25), n_pixels=25, random_state=0)
Y, GROUPS = CLUSTERS.target, CLUSTERS.groups


def on_disk(records, folder):
    return RecordsOnDisk.from_memmap(memory_mapped(records, folder))


def memory_mapped(records, folder):
    np.save(folder / "records.npy", records)
    return np.load(folder / "records.npy", mmap_mode="r")


FORMS = {
    "memmap": memory_mapped,
    "on disk": on_disk,
    "observed": lambda records, _: ObservedRecords(records),
    "masked": lambda records, _: np.ma.array(records),
    "FITS": lambda records, _: fits_table(records, scale=0.5),
    "other byte order": lambda records, _: records.astype(records.dtype.newbyteorder()),
    "list of fields": lambda records, _: records[list(records.dtype.names)[::-1]],
}


def profiles():
    """A classifier of records that trains in no time."""
    return make_pipeline(RadialProfiles(attributes=("redshift",)), StandardScaler(), LogisticRegression())


def network():
    """A network on records, without turned views."""
    cnn = DarkCNNClassifier("simple", epochs=1, network_options={"width": 0.25}, random_state=0)
    return make_pipeline(MapSelector(attributes=("log_mass",)), MapScaler(), cnn)


@cache
def fitted(classifier):
    return classifier().fit(CLUSTERS.data, Y)


def select(X, folder):
    maps = MapSelector(("xray", "total"), ("redshift", "lensing_norm")).fit_transform(X)
    return np.asarray(maps), maps.attributes, maps.groups


def save(X, folder):
    save_clusters(folder / "clusters.h5", X, Y)
    again = load_clusters(folder / "clusters.h5")
    return [again.data[name] for name in CLUSTERS.data.dtype.names]


def ensemble(X, folder):
    networks = DarkCNNEnsemble(profiles(), n_networks=2, random_state=0).fit(X, Y)
    return networks.predict_proba(X), networks.held_out_probabilities_


def study(X, folder):
    grid = {"logisticregression__C": [0.1, 1.0]}
    found = run_study(
        profiles(), X, Y, groups=GROUPS, cv=GroupKFold(2), folder=folder / "study", param_grid=grid
    )
    return [found["mean_test_score"]]


def importances(measure, **options):
    def use(X, folder):
        return [measure(fitted(profiles), X, Y, random_state=0, n_repeats=2, **options).importances]

    return use


USES = {
    "MapSelector": select,
    "MapScaler": lambda X, _: [np.asarray(MapScaler("asinh").fit_transform(MapSelector().fit_transform(X)))],
    "attribute_table": lambda X, _: [attribute_table(X, ["bcg_ellipticity", "xray_norm"])],
    "RadialProfiles": lambda X, _: [RadialProfiles(attributes=("redshift",)).fit_transform(X)],
    "WeakLensingNoise": lambda X, _: [WeakLensingNoise(random_state=0).fit_transform(X)["total"]],
    "XrayNoise": lambda X, _: [np.asarray(XrayNoise(random_state=0).fit_transform(X))["xray"]],
    "profile_baseline": lambda X, _: [profile_baseline().fit(X, Y).predict_proba(X)],
    "fit": lambda X, _: [network().fit(X, Y).predict_proba(X)],
    "predict": lambda X, _: [fitted(network).predict_proba(X)],
    "DarkCNNEnsemble": ensemble,
    "cross_validate_by_cluster": lambda X, _: cross_validate_by_cluster(
        {"profiles": profiles()}, X, Y, GROUPS, n_splits=2, random_state=0
    ).probabilities["profiles"],
    "run_study": study,
    "channel_importance": importances(channel_importance),
    "annulus_importance": importances(annulus_importance, n_annuli=2),
    "attribute_importance": importances(attribute_importance, attributes=["redshift", "bcg_ellipticity"]),
    "occlusion": lambda X, _: [occlusion(fitted(profiles), X, Y, random_state=0).importances_mean],
    "saliency": lambda X, _: [saliency(fitted(network), X, Y, random_state=0).importances_mean],
    "save_clusters": save,
    "PretrainedEmbedding": lambda X, _: [PretrainedEmbedding().fit_transform(X)],
    "load_pretrained": lambda X, _: [load_pretrained(cross_sections=(0, 1)).predict_proba(X)],
    "default_pipeline(pretrained=True)": lambda X, _: [
        default_pipeline(pretrained=True).fit(X, Y).predict_proba(X)
    ],
    "make_bunch": lambda X, _: [make_bunch(X, Y).data["xray"], make_bunch(X, Y).groups],
    "describe_training": lambda X, _: [describe_training(make_bunch(X, Y))["fingerprints"]],
    "RecordsDisplay": lambda X, _: [RecordsDisplay(X[:3]).images],
}
TURNING = {
    "RotationFlipAugmenter": lambda X, _: [
        np.asarray(RotationFlipAugmenter(3, random_state=0).fit_transform(MapSelector().fit_transform(X)))
    ],
    "augment": lambda X, _: [augment(X, Y, 2, random_state=0)[0][name] for name in ("stellar", "bcg_e1")],
    "default_pipeline": lambda X, _: [
        default_pipeline("simple", n_views=2, epochs=1, network_options={"width": 0.25}, random_state=0)
        .fit(X, Y)
        .predict_proba(X)
    ],
}
"""Observed maps turn by whole quarters, so these differ by design."""


def outcome(use, X, folder):
    """What comes out, or the error."""
    folder.mkdir()
    try:
        return [np.asarray(part) for part in use(X, folder)]
    except ValueError as error:
        return [np.array(f"{type(error).__name__}: {error}")]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What comes out for arrays, computed once."""
    known = {}

    def get(name):
        if name not in known:
            known[name] = (USES | TURNING)[name](CLUSTERS.data, tmp_path_factory.mktemp("expected"))
        return known[name]

    return get


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", USES | TURNING)
def test_every_form_of_records_gives_what_an_array_gives(name, form, expected, tmp_path):
    if form == "observed" and name in TURNING:
        pytest.skip("observed maps turn by whole quarters")
    if form == "observed" and name in ("WeakLensingNoise", "XrayNoise"):
        pytest.skip("observed maps get no noise")
    if form == "observed" and "retrained" in name:
        pytest.skip("packaged networks refuse observed maps")
    got = (USES | TURNING)[name](FORMS[form](CLUSTERS.data, tmp_path), tmp_path)
    for part, wanted in zip(got, expected(name), strict=True):
        np.testing.assert_array_equal(part, wanted)


@pytest.mark.parametrize("places", [{"total": (1, 3, 3)}, {"redshift": 1, "log_mass": 5, "lensing_norm": 7}])
@pytest.mark.parametrize("name", USES | TURNING)
def test_what_is_masked_counts_as_nan(name, places, tmp_path):
    records, nan = CLUSTERS.data.copy(), CLUSTERS.data.copy()
    mask = np.zeros(len(records), np.ma.make_mask_descr(records.dtype))
    for field, place in places.items():
        records[field][place], mask[field][place], nan[field][place] = 0.7, True, np.nan
    use = (USES | TURNING)[name]
    got = outcome(use, np.ma.array(records, mask=mask), tmp_path / "masked")
    for part, wanted in zip(got, outcome(use, nan, tmp_path / "nan"), strict=True):
        np.testing.assert_array_equal(part, wanted)


@pytest.mark.parametrize("name", USES | TURNING)
def test_a_masked_halo_is_refused(name, tmp_path):
    mask = np.zeros(len(CLUSTERS.data), np.ma.make_mask_descr(CLUSTERS.data.dtype))
    mask["cluster_id"][:] = True
    with pytest.raises(ValueError, match=r"'cluster_id'|groups must name the cluster"):
        (USES | TURNING)[name](np.ma.array(CLUSTERS.data, mask=mask), tmp_path)
