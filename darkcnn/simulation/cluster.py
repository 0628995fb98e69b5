"""Simulation of one cluster: a halo at one redshift and its maps in any dark-matter model."""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from darkcnn.records import (
    FIELD_SIZE,
    GALAXY_DTYPE,
    bcg_concentration,
    bcg_ellipticity,
    smooth,
    xray_concentration,
)
from darkcnn.simulation.background import background_density, background_tilt
from darkcnn.simulation.dark_matter import core_of, dark_matter_map
from darkcnn.simulation.deviates import Deviates, generator
from darkcnn.simulation.feedback import HEATING, with_feedback
from darkcnn.simulation.gas import gas_maps, surface_brightness
from darkcnn.simulation.groups import substructure_maps
from darkcnn.simulation.halo import draw_halo
from darkcnn.simulation.rendering import PIXEL, block_mean, particle_noise
from darkcnn.simulation.stars import central_galaxy_mass, star_maps
from darkcnn.simulation.subhalos import draw_population, evolve

_KPC2_PER_MPC2 = 1e6
_CLUSTER_DEPTH = 5000.0  # kpc, in the table of galaxies
# Lower limits of the noisy maps, as fractions of the background and of the intracluster light.
_MIN_MASS, _MIN_STARS = 0.05, 1e-3


@dataclass(frozen=True)
class Cluster:
    """Maps and attributes of a mock cluster in one dark-matter model.

    Attributes
    ----------
    maps : dict of ndarray of shape (100, 100), float32
        ``total`` and ``stellar`` in Msun/kpc2, ``xray`` in erg/s/cm2/arcmin2.
    scalars : dict
        Attributes of the record by name, without the norms.
    galaxies : structured ndarray of shape (n_galaxies,)
        Galaxies, of dtype `GALAXY_DTYPE`: the brightest cluster galaxy, then satellites by stellar mass.
    cross_section : float
        Cross-section per mass at the velocity of the halo, in cm2/g.
    core_radius : float
        Radius r1 of the core in kpc; 0 for cold dark matter.
    """

    maps: dict
    scalars: dict
    galaxies: np.ndarray
    cross_section: float
    core_radius: float

    def write(self, record):
        """Write maps and attributes into a record, rebinned to its map size."""
        units = {"total": _KPC2_PER_MPC2, "xray": 1.0, "stellar": _KPC2_PER_MPC2}
        norms = {"total": "lensing_norm", "xray": "xray_norm", "stellar": "stellar_norm"}
        for name, image in self.maps.items():
            image = block_mean(image, record[name].shape[0])
            peak = image.max()
            record[name] = image / peak
            record[norms[name]] = peak * units[name]
        for name, value in self.scalars.items():
            record[name] = value


class Snapshot:
    """Halo at one redshift, shared by all dark-matter models.

    Parameters
    ----------
    seed : int
        Seed of the data set.
    number : int
        Number of the halo.
    epoch : Epoch
        Redshift and cosmology of the snapshot.
    physics : Physics
        Parameters.
    """

    def __init__(self, seed, number, epoch, physics):
        self.seed = seed
        self.number = number
        self.physics_of = cache(partial(with_feedback, physics))  # its checks take time
        halo_rng = generator(seed, "halo", number)
        snapshot_rng = generator(seed, "snapshot", number, epoch.redshift)
        self.deviates = Deviates.of_snapshot(halo_rng, snapshot_rng, physics.disturbance)
        self.halo = draw_halo(epoch, self.deviates, halo_rng, physics)
        self.population = draw_population(self.halo, self.deviates, snapshot_rng, physics)

    def simulate(self, dark_matter):
        """Simulate the :class:`Cluster` in one dark-matter model, a :class:`~darkcnn.records.DarkMatter`."""
        halo, physics = self.halo, self.physics_of(dark_matter.feedback)
        # Simulations with other feedback diverge as well; the fiducial one has no number.
        heating = HEATING[dark_matter.feedback]
        model = [dark_matter.cross_section, *([10**heating] if heating else [])]
        model_rng = generator(self.seed, "model", self.number, *model)
        map_rng = generator(self.seed, "map", self.number, halo.epoch.redshift, *model)
        cross_section = dark_matter.at(halo.virial_velocity)
        deviates = self.deviates.of_model(model_rng, map_rng)
        population = evolve(self.population, halo, cross_section, map_rng, physics)
        centre = map_rng.uniform(-PIXEL / 2, PIXEL / 2, 2)  # anywhere within a pixel
        centre_rng = generator(self.seed, "centre", self.number, halo.epoch.redshift, *model)
        centre = tuple((centre + physics.miscentring * centre_rng.standard_normal(2)).tolist())

        galaxy_mass = central_galaxy_mass(halo, deviates, physics)
        core = core_of(halo, cross_section, galaxy_mass, deviates, physics)
        gas, emission = gas_maps(halo, core, centre, deviates, map_rng, physics)
        substructure, satellites, groups = substructure_maps(population, halo, centre, cross_section, physics)

        galaxy, light = star_maps(halo, core, centre, galaxy_mass, deviates, physics)
        stars = galaxy + light
        stars += particle_noise(stars, physics.star_particle_mass, physics.smoothing_particles, map_rng)
        stars = np.maximum(stars + satellites, _MIN_STARS * light)

        background = background_density(halo, deviates, physics)
        mass = dark_matter_map(halo, core, centre, deviates, physics) + gas + substructure
        mass += background * background_tilt(deviates, physics)
        mass += particle_noise(mass, physics.dark_particle_mass, physics.smoothing_particles, map_rng)
        maps = {
            "total": np.maximum(mass, _MIN_MASS * background) + stars,
            "xray": surface_brightness(emission + groups, halo, deviates, physics),
            "stellar": stars,
        }
        if physics.map_blur:
            maps = {name: smooth(image, physics.map_blur / PIXEL) for name, image in maps.items()}

        e1, e2 = bcg_ellipticity(maps["stellar"], PIXEL)
        scalars = {
            "redshift": halo.epoch.redshift,
            "log_mass": halo.log_mass,
            "xray_concentration": xray_concentration(maps["xray"], PIXEL),
            "bcg_stellar_concentration": bcg_concentration(maps["stellar"], PIXEL),
            "bcg_e1": e1,
            "bcg_e2": e2,
            "cluster_id": self.number,
        }
        central = (galaxy_mass * scalars["bcg_stellar_concentration"], galaxy_mass)
        galaxies = _galaxies(halo, population, centre, central)
        return Cluster(maps, scalars, galaxies, cross_section, core.radius * halo.scale_radius)


def _galaxies(halo, population, centre, central):
    """Return the table of galaxies in the field; `central` has the stellar masses of the central galaxy."""
    x, y = population.position[0] + centre[0], population.position[1] + centre[1]
    inside = np.flatnonzero(np.maximum(np.abs(x), np.abs(y)) < FIELD_SIZE / 2)
    inside = inside[np.argsort(-population.stellar_mass[inside])]
    stellar_mass = population.stellar_mass[inside]
    galaxies = np.zeros(len(inside) + 1, GALAXY_DTYPE)
    galaxies["x"] = np.append(centre[0], x[inside]) + FIELD_SIZE / 2
    galaxies["y"] = np.append(centre[1], y[inside]) + FIELD_SIZE / 2
    galaxies["z"] = np.append(0, population.position[2, inside]) + _CLUSTER_DEPTH
    galaxies["m200"] = np.log10(np.append(halo.mass, population.mass[inside]))
    galaxies["mstar_30"] = np.log10(np.append(central[0], 0.85 * stellar_mass))  # satellites are small
    galaxies["mstar_100"] = np.log10(np.append(central[1], stellar_mass))
    return galaxies
