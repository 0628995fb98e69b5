"""Feedback from active galactic nuclei and its effect on the baryons of a cluster."""

from dataclasses import dataclass, replace

from darkcnn.simulation.parameters import Parameters, parameter

HEATING = {"weak": -0.2, "fiducial": 0.0, "strong": 0.2}
"""Feedback variants: log10 of the AGN heating temperature over the fiducial 10^7.8 K.

As in BAHAMAS: 10^7.6, 10^7.8 and 10^8.0 K (McCarthy et al. 2018).
"""


@dataclass(frozen=True, kw_only=True)
class FeedbackPhysics(Parameters):
    """Parameters of the response to the AGN heating temperature."""

    # fmt: off
    feedback_gas_fraction: float = parameter(-0.3, "power of the heating temperature in `gas_fraction`",
        status="guess", source="sign: McCarthy et al. (2018), not verified", bounds=(-3, 3),
        spread=(-0.5, -0.1))
    feedback_cool_core: float = parameter(-1.5, "power of the heating temperature in `cool_core`",
        status="tuned", source="sign: McCarthy et al. (2018), not verified", bounds=(-5, 5),
        spread=(-2.2, -0.8))
    feedback_gas_core: float = parameter(0.85, "power of the heating temperature in `gas_core`",
        status="tuned", bounds=(-3, 3), spread=(0.4, 1.3))
    feedback_gas_slope: float = parameter(-0.2, "change of `gas_slope` per dex", status="tuned",
        bounds=(-0.5, 0.5), spread=(-0.3, -0.1))
    feedback_galaxy_mass: float = parameter(-0.4, "power of the heating temperature in the galaxy mass",
        status="tuned", bounds=(-3, 3), spread=(-0.7, -0.1))
    feedback_inner_density: float = parameter(-0.35, "change of `inner_density` per dex", status="tuned",
        bounds=(-2, 2), spread=(-0.6, -0.1))
    heating: float = parameter(0.0,
        "log10 of the heating temperature of fiducial feedback, over that of BAHAMAS", unit="dex",
        status="guess", source="range: the variants of McCarthy et al. (2018)", bounds=(-0.5, 0.5),
        spread=(-0.2, 0.2))
    # fmt: on


def with_feedback(physics, feedback):
    r"""Return the physical parameters for a feedback variant.

    A higher heating temperature expels more gas: the gas fraction is lower, the gas core wider, the gas
    profile flatter and the cool core fainter; the central galaxy has fewer stars and the inner dark-matter
    density is lower. Changes are power laws in temperature or linear in its logarithm. Their sizes are
    calibrated to published classification accuracies, not predicted.

    Parameters
    ----------
    physics : Physics
        Parameters for the heating temperature of BAHAMAS.
    feedback : {"weak", "fiducial", "strong"}
        Feedback variant, see `HEATING`.

    Returns
    -------
    Physics
        Parameters of the variant.

    Examples
    --------
    >>> from darkcnn.simulation import with_feedback
    >>> from darkcnn.simulation import Physics
    >>> with_feedback(Physics(), "strong").gas_fraction < Physics().gas_fraction
    True
    """
    heating = physics.heating + HEATING[feedback]
    if heating == 0:
        return physics
    log_gas = physics.feedback_gas_fraction * heating
    return replace(
        physics,
        gas_fraction=physics.gas_fraction * 10**log_gas,
        xray_log_luminosity=physics.xray_log_luminosity + 2 * log_gas,  # emission goes as density squared
        gas_core=physics.gas_core * 10 ** (physics.feedback_gas_core * heating),
        gas_slope=physics.gas_slope + physics.feedback_gas_slope * heating,
        cool_core=physics.cool_core * 10 ** (physics.feedback_cool_core * heating),
        galaxy_log_mass=physics.galaxy_log_mass + physics.feedback_galaxy_mass * heating,
        inner_density=physics.inner_density + physics.feedback_inner_density * heating,
    )
