import numpy as np
import pytest

from darkcnn.cosmology import Epoch
from darkcnn.simulation import Physics, Scatter
from darkcnn.simulation.deviates import Deviates, generator
from darkcnn.simulation.halo import Halo
from darkcnn.simulation.rendering import PIXEL_AREA, X, Y


@pytest.fixture
def physics():
    """Physics without clumps, offsets and softening, which would blur what is counted."""
    return Physics(
        disturbance=Scatter(0.0),
        gas_offset=0.0,
        gas_clumping=0.0,
        offset=0.0,
        offset_per_core_radius=0.0,
        inner_scatter=Scatter(0.0),
        softening=0.0,
    )


@pytest.fixture
def halo():
    """Return a round halo small enough for its r200 to fit into the map."""
    return Halo(Epoch.at_redshift(0.375), 14.0, 4.0, np.ones(3), np.eye(3), 0.0)


@pytest.fixture
def deviates(physics):
    return Deviates.of_snapshot(generator(0, "halo", 0), generator(0, "snapshot", 0, 0), physics.disturbance)


@pytest.fixture
def mass_within():
    """Return a function that sums a map, Msun/kpc2, within a radius about its middle, kpc."""
    return lambda surface_density, radius: float(surface_density[np.hypot(X, Y) < radius].sum()) * PIXEL_AREA
