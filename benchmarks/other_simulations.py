"""Simulations with other physics than the default, for ``transfer.py``.

B and B2 move different parameters within their plausible ranges, many to the end of it in B2. "resolution",
"feedback" and "selection" leave the range in one parameter or more.
"""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from darkcnn.datasets import make_clusters
from darkcnn.pretrained import PretrainedEmbedding
from darkcnn.records import MAPS, NORMS, record_dtype
from darkcnn.simulation import Physics, Scatter

TRAIN_SEED, TEST_SEED = 100, 8
SIZES = (10, 20, 40, 75, 150)  # halos
N_FIDUCIAL, N_TEST = 300, 150
CROSS_SECTIONS = (0, 0.1, 1)
TARGETS = {
    "B": Physics(
        log_mass=14.75,
        log_mass_range=(14.5, 15.5),
        concentration=4.0,
        inner_density=-0.08,
        core_galaxy_mass=0.8,
        core_age=0.6,
        galaxy_log_mass=11.8,
        galaxy_size=36.0,
        intracluster_light=1.5,
        gas_fraction=0.14,
        gas_core=160.0,
        cool_core=0.6,
        subhalo_abundance=0.064,
        softening=3.0,
        dark_particle_mass=7e7,
        star_particle_mass=1e8,
    ),
    "B2": Physics(
        concentration_scatter=Scatter(0.2, halo=0.8, disturbance=-0.4, snapshot=0.45),
        inner_scatter=Scatter(0.45, halo=0.99, model=0.14),
        core_scatter=Scatter(0.25, halo=0.6, disturbance=-0.5, model=0.6),
        core_blur=0.8,
        halo_rounding=1.0,
        galaxy_expansion=0.8,
        galaxy_slope=1.3,
        galaxy_shape=0.4,
        intracluster_size=360.0,
        gas_response=0.5,
        gas_clumping=0.25,
        gas_offset=25.0,
        evaporation_time=6.0,
    ),
    "resolution": Physics(
        softening=10.0,
        dark_particle_mass=2e10,
        star_particle_mass=4e9,
        smoothing_particles=128.0,
        map_blur=20.0,
        miscentring=5.0,
    ),
    "feedback": Physics(heating=0.3, gas_response=0.5, gas_offset=20.0),
    "selection": Physics(
        log_mass=14.73, log_mass_range=(14.6, 15.8), log_mass_tail=0.25, log_mass_per_redshift=-0.1
    ),
}
SHIFTS = ("fiducial", "blurred", "shifted", "massive")
_GROUP_GAS = tuple(
    name for name in Physics.table()["name"] if name.startswith(("group_gas", "group_brightness"))
)
FAMILIES = {
    "gas": ("Gas", "Feedback", *_GROUP_GAS),
    "galaxy": ("Star",),
    "inner halo": ("DarkMatter",),
    "resolution": ("Resolution",),
    "selection": tuple(name for name in Physics.table()["name"] if name.startswith("log_mass")),
}
"""Parts and parameters of each kind of uncertainty."""

N_SUITES, N_SUITE_HALOS = {"train": 60, "test": 30}, {"train": 10, "test": 10}


def physics_of(name, n_pixels):
    """Return the physics of a target, or of a shift of the fiducial simulation."""
    if name in TARGETS:
        return TARGETS[name]
    fiducial = Physics()
    changes = {
        "fiducial": {},
        "blurred": {"map_blur": 1000 / n_pixels},  # half a pixel
        "shifted": {"miscentring": 20 / np.sqrt(2)},  # by 20 kpc, the root mean square of the distance
        "massive": {
            "log_mass": fiducial.log_mass + 0.3,
            "log_mass_range": tuple(limit + 0.3 for limit in fiducial.log_mass_range),
        },
    }
    return replace(fiducial, **changes[name])


@lru_cache(maxsize=2)
def training_set(name, n_halos, n_pixels, seed):
    """Return records and labels of halos to train on, seed by seed other ones."""
    return _simulate(name, n_halos, n_pixels, TRAIN_SEED + seed)


@lru_cache(maxsize=8)
def test_set(name, n_pixels):
    """Return records and labels of other halos of the same simulation."""
    return _simulate(name, N_TEST, n_pixels, TEST_SEED)


@lru_cache(maxsize=8)
def embedded_test_set(name, n_pixels, maps):
    """Return the embedding of a test set by the pretrained network, and labels."""
    records, labels = test_set(name, n_pixels)
    return PretrainedEmbedding(maps=maps).fit_transform(records), labels


def _simulate(name, n_halos, n_pixels, seed):
    drawn = n_pixels if 100 % n_pixels == 0 else 100
    physics = physics_of(name, n_pixels)
    options = {"cross_sections": CROSS_SECTIONS, "random_state": seed, "return_X_y": True}
    records, labels = make_clusters(n_halos, n_pixels=drawn, physics=physics, **options)
    return (records if drawn == n_pixels else _resample(records, n_pixels)), labels


def _resample(records, n_pixels):
    """Return records with maps of any number of pixels, interpolated linearly."""
    resampled = np.empty(len(records), record_dtype(n_pixels))
    for name in set(records.dtype.names) - set(MAPS):
        resampled[name] = records[name]
    for name, norm in zip(MAPS, NORMS, strict=True):
        for row, image in enumerate(records[name]):
            image = cv2.resize(image, (n_pixels, n_pixels), interpolation=cv2.INTER_LINEAR)
            resampled[name][row] = image / image.max()
            resampled[norm][row] *= image.max()
    return resampled


@lru_cache(maxsize=6)
def suites(purpose, seed=0, *, fixed=(), varied=None):
    """Return records and labels of suites to train on or to test on, seed by seed other ones.

    All parameters vary but those `fixed`; or only those `varied`.
    """
    if varied is not None:
        table = Physics.table()
        fixed = tuple(
            name for part, name in table.iterrows("part", "name") if not {part, name}.intersection(varied)
        )
    first = 1000 * (seed + 1) if purpose == "train" else 0
    physics = [Physics().draw(first + number, fixed=fixed) for number in range(N_SUITES[purpose])]
    return make_clusters(
        N_SUITE_HALOS[purpose],
        cross_sections=CROSS_SECTIONS,
        redshifts=(0, 0.25),
        physics=physics,
        random_state=first,
        return_X_y=True,
    )
