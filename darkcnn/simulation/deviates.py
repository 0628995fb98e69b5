"""Random deviates of the mock maps, reproducible from one seed.

Simulations of one halo with different dark matter start from the same initial conditions, so their maps share
most random numbers.
"""

from dataclasses import dataclass, replace

import numpy as np

_STREAMS = ("halo", "snapshot", "model", "map", "centre")

# Deviates of one model diverge in part once for all snapshots, in part in each.
_MODEL_WEIGHT, _MAP_WEIGHT = 0.75, 0.66

QUANTITIES = (
    "disturbance",
    "log_mass",
    "concentration",
    "axis_ratio",
    "inner",
    "core",
    "offset_x",
    "offset_y",
    "galaxy_mass",
    "galaxy_size",
    "galaxy_twist",
    "intracluster",
    "gas_core",
    "gas_slope",
    "gas_x",
    "gas_y",
    "cool_core",
    "cool_core_size",
    "xray_luminosity",
    "subhalo",
    "background",
    "tilt_x",
    "tilt_y",
)
"""Quantities with random scatter. Append new names at the end, or all clusters change."""

_ZEROS = dict.fromkeys(QUANTITIES, 0.0)


def generator(seed, stream, halo, *numbers):
    """Return the random generator of one set of maps.

    `stream` is "halo", "snapshot", "model", "map" or "centre"; `numbers` are the redshift, cross-section and
    heating shared by the set. The result depends only on these values, so a map does not depend on the other
    maps simulated.
    """
    return np.random.default_rng(
        [seed, _STREAMS.index(stream), halo, *(round(number * 1e6) for number in numbers)]
    )


@dataclass(frozen=True)
class Deviates:
    """Standard normal deviates of one map, by quantity.

    Attributes
    ----------
    halo, snapshot, model : dict
        Deviates by the names of `QUANTITIES`, see :class:`~darkcnn.simulation.Scatter`.
    disturbance : float
        Dynamical state of the halo, positive if disturbed.
    """

    halo: dict
    snapshot: dict
    model: dict
    disturbance: float

    @classmethod
    def of_snapshot(cls, halo_rng, snapshot_rng, disturbance):
        """Draw the deviates shared by all models, with the :class:`Scatter` of the dynamical state."""
        undisturbed = cls(_named_normals(halo_rng), _named_normals(snapshot_rng), _ZEROS, 0.0)
        return replace(undisturbed, disturbance=undisturbed.scatter("disturbance", disturbance))

    def of_model(self, model_rng, map_rng):
        """Return these deviates with those of one dark-matter model added."""
        model, single = _named_normals(model_rng), _named_normals(map_rng)
        mixed = {name: _MODEL_WEIGHT * model[name] + _MAP_WEIGHT * single[name] for name in QUANTITIES}
        return replace(self, model=mixed)

    def scatter(self, name, scatter):
        """Return the deviation of the quantity `name`, in units of the :class:`Scatter`."""
        return float(scatter.size) * (
            scatter.halo * self.halo[name]
            + scatter.disturbance * self.disturbance
            + scatter.snapshot * self.snapshot[name]
            + scatter.model * self.model[name]
        )


def _named_normals(rng):
    return dict(zip(QUANTITIES, rng.standard_normal(len(QUANTITIES)).tolist(), strict=True))
