"""Map rendering: pixel grid, point masses, smoothing and particle noise."""

from dataclasses import dataclass

import cv2
import numpy as np

from darkcnn.records import FIELD_SIZE, smooth
from darkcnn.simulation.parameters import Parameters, parameter

N_PIXELS = 100
"""Side of the simulated maps in pixels; coarser maps are block means."""

PIXEL = FIELD_SIZE / N_PIXELS
"""Side of a pixel in kpc."""

PIXEL_AREA = PIXEL**2
"""Area of a pixel in kpc2."""

AXIS = ((np.arange(N_PIXELS) + 0.5) * PIXEL - FIELD_SIZE / 2).astype(np.float32)
"""Positions of the pixels relative to the middle of the map in kpc."""

X, Y = np.meshgrid(AXIS, AXIS)  # x along columns, y along rows

# Widths in pixels of the smoothing kernels between which particle noise is interpolated.
_NOISE_KERNELS = (0.7, 1.7, 4.0)


@dataclass(frozen=True, kw_only=True)
class ResolutionPhysics(Parameters):
    """Parameters of the resolution, particle noise, smoothing and centring of maps."""

    # fmt: off
    softening: float = parameter(5.7, "gravitational softening", unit="kpc", status="unverified",
        source="4 kpc/h (McCarthy et al. 2017)", bounds=(0, 100), spread=(2, 8))
    dark_particle_mass: float = parameter(5.5e9, "mass of a particle of dark matter", unit="Msun",
        status="simulation", source="2 x 1024^3 particles in (400 Mpc/h)^3", bounds=(1e4, 1e12),
        spread=(3.2e7, 1e10), scale="log")
    star_particle_mass: float = parameter(1.1e9, "mass of a particle of stars", unit="Msun",
        status="simulation", source="2 x 1024^3 particles in (400 Mpc/h)^3", bounds=(1e4, 1e12),
        spread=(3.2e7, 2e9), scale="log")
    smoothing_particles: float = parameter(64.0, "particles within the smoothing kernel", status="guess",
        bounds=(1, 1e4), spread=(32, 128), scale="log")
    map_blur: float = parameter(0.0, "width of a Gaussian with which all maps are smoothed", unit="kpc",
        status="guess", source="stands for smoothing kernels of simulations and of their maps",
        bounds=(0, 200), spread=(0, 20))
    miscentring: float = parameter(0.0,
        "scatter of the centre of the maps about the central galaxy in each direction", unit="kpc",
        status="guess", source="halo finders differ in the centre", bounds=(0, 300), spread=(0, 5))
    # fmt: on


def splat(x, y, weights):
    """Return a map of point masses at x and y (kpc from the middle) by cloud-in-cell assignment."""
    column, row = (x + FIELD_SIZE / 2) / PIXEL - 0.5, (y + FIELD_SIZE / 2) / PIXEL - 0.5
    near = (column >= -1) & (column < N_PIXELS) & (row >= -1) & (row < N_PIXELS)
    column, row, weights = column[near], row[near], weights[near]
    left, bottom = np.floor(column).astype(int), np.floor(row).astype(int)
    right_part, top_part = column - left, row - bottom
    image = np.zeros((N_PIXELS + 2, N_PIXELS + 2), np.float32)  # a margin takes what falls off the edge
    for step_y, part_y in ((1, 1 - top_part), (2, top_part)):
        for step_x, part_x in ((1, 1 - right_part), (2, right_part)):
            np.add.at(image, (bottom + step_y, left + step_x), weights * part_x * part_y)
    return image[1:-1, 1:-1]


def particle_noise(surface_density, particle_mass, n_smooth, rng):
    """Draw the particle noise, in Msun/kpc2, of an adaptively smoothed surface density map.

    Poisson fluctuations (Gaussian after smoothing) are smoothed with a kernel of variance s^2 such that it
    contains 4 pi s^2 N = `n_smooth` particles, where N is the number of particles per pixel.
    """
    counts = surface_density * (PIXEL_AREA / particle_mass)
    noise = rng.standard_normal(counts.shape, dtype=np.float32)
    noise *= np.sqrt(counts)
    narrow, middle, wide = (smooth(noise, width) for width in _NOISE_KERNELS)
    log_narrow, log_middle, log_wide = np.log(_NOISE_KERNELS).tolist()
    # In place, so that these maps stay in the cache of the processor.
    log_width = np.log(np.maximum(counts, 1e-3, out=counts), out=counts)
    np.subtract(float(np.log(n_smooth / (4 * np.pi))), log_width, out=log_width)
    log_width *= 0.5
    wide -= middle
    wide *= _ramp(log_width, log_middle, log_wide)
    middle -= narrow
    middle *= _ramp(log_width, log_narrow, log_middle)
    narrow += middle
    narrow += wide
    narrow *= particle_mass / PIXEL_AREA
    return narrow


def _ramp(values, first, last):
    """Return values scaled to 0 at `first` and 1 at `last`, and clipped."""
    ramp = values - first
    ramp /= last - first
    return np.clip(ramp, 0, 1, out=ramp)


def block_mean(image, n_pixels):
    """Rebin a map to `n_pixels` × `n_pixels`, with `n_pixels` a divisor of 100."""
    if n_pixels == N_PIXELS:
        return image
    return cv2.resize(image, (n_pixels, n_pixels), interpolation=cv2.INTER_AREA)
