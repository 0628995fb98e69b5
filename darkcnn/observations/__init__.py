"""Real observations in the units of simulated ones: shear catalogues, X-ray images, other sky images."""

from darkcnn.observations.counts import CountMap, count_photons
from darkcnn.observations.images import cut_out
from darkcnn.observations.making import make_observations
from darkcnn.observations.shear import ConvergenceMap, reconstruct_convergence

__all__ = [
    "ConvergenceMap",
    "CountMap",
    "count_photons",
    "cut_out",
    "make_observations",
    "reconstruct_convergence",
]
