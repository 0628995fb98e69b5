"""The numbers of the mock clusters, by name: what each means, its unit and how well it is known."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scatter:
    """A Gaussian scatter: its size, and its weights on deviates shared by different sets of maps.

    Attributes
    ----------
    size : float
        Standard deviation when the squares of the weights add up to one.
    halo : float
        Weight of a deviate shared by all maps of a halo: its initial conditions.
    disturbance : float
        Weight of the dynamical state of the halo, positive for a disturbed one.
    snapshot : float
        Weight of a deviate shared by all dark-matter models of a halo at one redshift.
    model : float
        Weight of a deviate of this map, correlated among the snapshots of one dark-matter model: the
        chaotic divergence of simulations from the same initial conditions.
    """

    size: float
    halo: float = 0.0
    disturbance: float = 0.0
    snapshot: float = 0.0
    model: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Physics:
    """Parameters of the mock clusters.

    Each parameter carries its status: *literature* (read in the paper named), *simulation* (follows from
    the set-up of the BAHAMAS-SIDM runs), *unverified* (recalled from the paper named), *tuned* (fitted
    until profiles, attributes or the difficulty of the classification agree with published maps of
    BAHAMAS-SIDM) or *guess*. The difficulty of the mock clusters is therefore calibrated, not predicted.

    Parameters
    ----------
    disturbance : Scatter
        Dynamical state, dimensionless, positive for disturbed haloes. Guess.
    log_mass, log_mass_per_redshift : float
        Lowest log10 of M200 / Msun of the typical halo at z = 0, and its slope with redshift. Tuned.
    log_mass_tail : float
        Mean of the exponential tail to high masses, dex. Tuned.
    log_mass_scatter : Scatter
        Scatter of the mass, dex. Tuned.
    log_mass_range : tuple of float
        Limits of log10 of M200 / Msun. Tuned.
    concentration : float
        c200 of a halo of 3e14 Msun at z = 0, dimensionless. Tuned; 4.0 in Diemer & Joyce (2019), whose
        haloes have no baryons to contract them.
    concentration_mass_slope, concentration_redshift_slope : float
        Powers of mass and of 1 + z. Literature: Diemer & Joyce (2019) for WMAP9.
    concentration_scatter : Scatter
        Scatter of c200, dex. Unverified size (Duffy et al. 2008), guessed weights.
    concentration_range : tuple of float
        Limits of c200. Guess.
    axis_ratio, axis_ratio_scatter : float, Scatter
        Mean and scatter of the minor over the major axis. Unverified (Jing & Suto 2002), guessed weights.
    axis_ratio_range : tuple of float
        Limits of the minor over the major axis. Guess.
    middle_axis_shape : tuple of float
        Parameters of the Beta distribution of the middle axis between the minor (0) and the major (1).
        Guess.
    softening : float
        Gravitational softening of the simulation, kpc. Unverified: 4 kpc/h.
    inner_density : float
        Mean change of the inner surface density of the halo, as a fraction. Guess.
    inner_scatter, inner_scatter_radius : Scatter, float
        Diversity of the inner surface density of the halo (fraction) and the radius within which it acts,
        kpc. Guess, for the scatter of the Einasto index in Eckert et al. (2022).
    core_age : float
        Age of the core over that of the universe. Guess; 5 Gyr in Kaplinghat et al. (2016).
    core_blur : float
        Gaussian width in ln(scatterings) over which cores are averaged. Tuned.
    core_scatter : Scatter
        Scatter of the number of scatterings, dex. Guess.
    core_galaxy_mass : float
        Mass of the galaxy that the core feels over the stellar mass within 100 kpc. Guess.
    halo_rounding : float
        How much of the ellipticity of the halo scattering removes at the centre. Guess, small in projection
        (Robertson et al. 2023).
    gas_rounding, galaxy_rounding : float
        The same for gas and the central galaxy, over `halo_rounding`. Guess.
    offset : float
        Median distance of the central galaxy from the centre of cold dark matter, kpc. Guess, below the
        resolution.
    offset_per_core_radius : float
        Growth of that distance with r1. Guess, for Harvey et al. (2019).
    galaxy_log_mass : float
        log10 of the stellar mass within 100 kpc of a halo of 3.5e14 Msun, in Msun. Guess.
    galaxy_mass_slope : float
        Its power of the halo mass. Literature: Kravtsov et al. (2018), 0.4 +- 0.1.
    galaxy_mass_scatter : Scatter
        Its scatter, dex. Literature: 0.14 to 0.2 (Kravtsov et al. 2018), guessed weights.
    galaxy_size, galaxy_size_slope : float
        Scale of the profile of a galaxy of 10^`galaxy_log_mass`, kpc, and its power of the stellar mass.
        Tuned.
    galaxy_size_scatter : Scatter
        Scatter of the scale, dex. Tuned.
    galaxy_slope : float
        The surface density falls as radius to the power -2 `galaxy_slope`. Tuned.
    galaxy_shape : float
        Ellipticity of the stars over that of the halo. Guess.
    galaxy_twist : float
        Scatter of the angle between the stars and the halo, degrees. Guess.
    galaxy_expansion : float
        Response of the size of the galaxy to the mass that scattering removes, 1 if adiabatic. Guess.
    galaxy_expansion_radius : float
        Radius within which that mass counts, kpc. Guess.
    intracluster_light : float
        Mass of the intracluster stars over the stellar mass within 100 kpc. Tuned.
    intracluster_scatter : Scatter
        Scatter of their mass, dex. Tuned.
    intracluster_size, intracluster_slope : float
        Scale, kpc, and slope of their profile, as for the galaxy. Tuned.
    gas_fraction : float
        Mass of the hot gas within r200 over M200. Unverified.
    gas_core, gas_core_redshift_slope : float
        Core radius of the gas of a halo of 3.5e14 Msun, kpc, and its power of 1 + z. Tuned.
    gas_core_scatter : Scatter
        Scatter of the core radius, dex. Tuned.
    gas_slope, gas_slope_scatter, gas_slope_range : float, Scatter, tuple of float
        Index beta of the gas profile, its scatter and limits. Tuned.
    cool_core : float
        Central X-ray brightness of the cool core over that of the rest. Tuned.
    cool_core_scatter : Scatter
        Scatter of the brightness of the cool core, dex. Tuned.
    cool_core_size : float
        Radius of the cool core over the core radius of the gas. Tuned.
    cool_core_size_scatter : Scatter
        Scatter of the size of the cool core, dex. Tuned.
    gas_shape : float
        Ellipticity of the gas over that of the halo. Guess.
    gas_offset, gas_offset_growth : float
        Scatter of the centre of the gas in each direction, kpc, and its growth exp(growth disturbance).
        Guess.
    gas_response : float
        Response of the gas density to the change of potential, 1 if hydrostatic and isothermal. Tuned:
        changes are not reflected in the gas (Robertson et al. 2019); 0.7 would make X-ray maps alone tell
        the models.
    gas_clumping, gas_clumping_growth : float
        Scatter of ln(brightness) from pixel to pixel and its growth exp(growth disturbance). Guess.
    gas_clumping_scales, gas_clumping_weights : tuple of float
        Sizes of the clumps, kpc, and their weights. Guess.
    xray_log_luminosity, xray_mass_slope : float
        log10 of the luminosity of the field of 3.5e14 Msun at z = 0, erg/s, and its power of mass.
        Unverified.
    xray_luminosity_scatter : Scatter
        Scatter of the luminosity, dex. Unverified size, guessed weights.
    feedback_gas_fraction, feedback_cool_core : float
        Powers of the heating temperature by which feedback changes the gas fraction and the brightness of
        the cool core, see :func:`~darkcnn.simulation.with_feedback`. Signs unverified (McCarthy et
        al. 2018); the first is a guess, the second tuned to how well published X-ray maps tell the feedback.
    feedback_gas_core, feedback_gas_slope : float
        Power by which the core radius of the gas changes, and change of the index beta per dex of the
        heating temperature. Tuned likewise.
    feedback_galaxy_mass, feedback_inner_density : float
        Power by which the stellar mass of the central galaxy changes, and change of `inner_density` per dex
        of the heating temperature. Tuned: published maps of mass and stars hardly tell feedback.
    subhalo_abundance : float
        Subhaloes per ln(mass) at the mass of the halo, extrapolated, within `subhalo_reach`. Tuned: they
        hold a tenth of the mass.
    subhalo_scatter : Scatter
        Scatter of the abundance, dex. Guess.
    subhalo_redshift_slope : float
        Power of 1 + z of the abundance. Guess.
    subhalo_slope : float
        The abundance falls as mass to this power. Literature: Jiang & van den Bosch (2016).
    subhalo_least_mass, subhalo_largest_fraction : float
        Least mass, Msun, and largest mass over that of the halo. Guess.
    subhalo_reach : float
        Radius over r200 out to which subhaloes are found. Guess.
    subhalo_bias : float
        Concentration of their distribution over that of the halo. Guess.
    subhalo_chaos, subhalo_chaos_fraction : float
        Scatter of the position of a subhalo among models in each direction, kpc, and its most over the
        distance from the centre. Guess.
    subhalo_stripped : float
        Mass of a subhalo over its mass when it fell in, for its stars. Guess.
    evaporation_time, evaporation_speed : float
        Time during which scattering with the halo evaporates subhaloes, Gyr, and their speed over the
        scale velocity of the halo. Guess, see Bhattacharyya et al. (2022).
    subhalo_core_growth : float
        Growth of the core of a subhalo with the root of the cross-section. Guess.
    stellar_mass_scatter : float
        Scatter of the stellar mass of satellites, dex. Unverified (Moster et al. 2013).
    group_mass : float
        Mass from which at most six subhaloes are drawn with a resolved profile, Msun. Guess.
    group_truncation, group_core : float
        Truncation radius of a group of 1e13 Msun, kpc, and core radius over it. Guess.
    group_gas_mass : float
        Mass from which a group shines in X-rays, Msun. Guess.
    group_brightness, group_brightness_slope, group_brightness_scatter : float
        Brightness of a group of 3e13 Msun in a cluster of 3.5e14 Msun over that of the cluster, its power
        of the group's mass and its scatter in ln. Guess.
    group_gas_size, group_gas_slope : float
        Radius of the gas of a group of 2e13 Msun, kpc, and the slope of its brightness with squared
        radius. Guess.
    group_gas_displacement : float
        Scatter of the gas about the group in each direction, kpc, by ram pressure. Guess.
    foreground_abundance : float
        Haloes above 1e11 Msun within 5 Mpc before and behind the field at z = 0. Guess.
    background_log_scatter : float
        Scatter of ln(surface density) of the matter before and behind the cluster; also its mean. Guess.
    background_depth : float
        Depth of that matter, kpc. Guess.
    background_tilt : float
        Scatter of its change from the centre to the edge of the field in each direction. Guess.
    dark_particle_mass, star_particle_mass : float
        Masses of simulation particles, Msun. Simulation: 2 x 1024^3 particles in (400 Mpc/h)^3.
    smoothing_particles : float
        Particles within the smoothing kernel. Guess.

    Examples
    --------
    >>> from darkcnn.datasets import make_clusters
    >>> from darkcnn.simulation import Physics
    >>> heavy = Physics(log_mass_range=(14.8, 15.5))
    >>> clusters = make_clusters(2, redshifts=(0,), n_pixels=20, physics=heavy, random_state=0)
    >>> bool((clusters.data["log_mass"] >= 14.8).all())
    True
    """

    disturbance: Scatter = Scatter(1.0, halo=0.8, snapshot=0.6)
    # Halo
    log_mass: float = 14.43
    log_mass_per_redshift: float = -0.48
    log_mass_tail: float = 0.17
    log_mass_scatter: Scatter = Scatter(0.11, halo=1.0)
    log_mass_range: tuple[float, float] = (14.0, 15.5)
    concentration: float = 5.0
    concentration_mass_slope: float = -0.09
    concentration_redshift_slope: float = -0.18
    concentration_scatter: Scatter = Scatter(0.15, halo=0.8, disturbance=-0.4, snapshot=0.45)
    concentration_range: tuple[float, float] = (1.5, 12.0)
    axis_ratio: float = 0.55
    axis_ratio_scatter: Scatter = Scatter(0.10, halo=1.0, disturbance=-0.3)
    axis_ratio_range: tuple[float, float] = (0.3, 0.92)
    middle_axis_shape: tuple[float, float] = (2.0, 2.5)
    softening: float = 5.7
    inner_density: float = 0.0
    inner_scatter: Scatter = Scatter(0.06, halo=0.6, model=0.8)
    inner_scatter_radius: float = 60.0
    # Self-interaction
    core_age: float = 0.75
    core_blur: float = 1.2
    core_scatter: Scatter = Scatter(0.15, halo=0.6, disturbance=-0.5, model=0.6)
    core_galaxy_mass: float = 1.3
    halo_rounding: float = 0.6
    gas_rounding: float = 0.5
    galaxy_rounding: float = 0.2
    offset: float = 2.5
    offset_per_core_radius: float = 0.04
    # Stars
    galaxy_log_mass: float = 12.0
    galaxy_mass_slope: float = 0.4
    galaxy_mass_scatter: Scatter = Scatter(0.12, halo=0.85, disturbance=-0.3, model=0.3)
    galaxy_size: float = 20.0
    galaxy_size_slope: float = 0.4
    galaxy_size_scatter: Scatter = Scatter(0.10, halo=0.8, model=0.6)
    galaxy_slope: float = 1.15
    galaxy_shape: float = 0.7
    galaxy_twist: float = 12.0
    galaxy_expansion: float = 0.40
    galaxy_expansion_radius: float = 30.0
    intracluster_light: float = 1.2
    intracluster_scatter: Scatter = Scatter(0.15, model=1.0)
    intracluster_size: float = 150.0
    intracluster_slope: float = 1.3
    # Gas
    gas_fraction: float = 0.115
    gas_core: float = 220.0
    gas_core_redshift_slope: float = -0.7
    gas_core_scatter: Scatter = Scatter(0.14, halo=0.55, disturbance=0.5, snapshot=0.45, model=0.35)
    gas_slope: float = 0.68
    gas_slope_scatter: Scatter = Scatter(0.05, halo=1.0)
    gas_slope_range: tuple[float, float] = (0.5, 0.8)
    cool_core: float = 0.25
    cool_core_scatter: Scatter = Scatter(0.5, halo=0.5, disturbance=-0.6, model=0.6)
    cool_core_size: float = 0.35
    cool_core_size_scatter: Scatter = Scatter(0.15, model=1.0)
    gas_shape: float = 0.45
    gas_offset: float = 10.0
    gas_offset_growth: float = 0.6
    gas_response: float = 0.12
    gas_clumping: float = 0.12
    gas_clumping_growth: float = 0.25
    gas_clumping_scales: tuple[float, float] = (80.0, 30.0)
    gas_clumping_weights: tuple[float, float] = (0.9, 0.4)
    xray_log_luminosity: float = 44.2
    xray_mass_slope: float = 1.6
    xray_luminosity_scatter: Scatter = Scatter(0.15, disturbance=-2 / 3, snapshot=1.0)
    # Feedback
    feedback_gas_fraction: float = -0.3
    feedback_cool_core: float = -1.5
    feedback_gas_core: float = 0.85
    feedback_gas_slope: float = -0.2
    feedback_galaxy_mass: float = -0.4
    feedback_inner_density: float = -0.35
    # Substructure
    subhalo_abundance: float = 0.0275
    subhalo_scatter: Scatter = Scatter(0.15, halo=0.5, disturbance=0.6, snapshot=0.5)
    subhalo_redshift_slope: float = 0.3
    subhalo_slope: float = -0.9
    subhalo_least_mass: float = 6e10
    subhalo_largest_fraction: float = 0.3
    subhalo_reach: float = 1.6
    subhalo_bias: float = 0.5
    subhalo_chaos: float = 40.0
    subhalo_chaos_fraction: float = 0.15
    subhalo_stripped: float = 0.33
    evaporation_time: float = 3.0
    evaporation_speed: float = 0.45
    subhalo_core_growth: float = 0.6
    stellar_mass_scatter: float = 0.2
    group_mass: float = 3e12
    group_truncation: float = 110.0
    group_core: float = 0.2
    group_gas_mass: float = 8e12
    group_brightness: float = 0.35
    group_brightness_slope: float = 0.6
    group_brightness_scatter: float = 0.7
    group_gas_size: float = 60.0
    group_gas_slope: float = 1.36
    group_gas_displacement: float = 25.0
    foreground_abundance: float = 2.5
    background_log_scatter: float = 0.5
    background_depth: float = 1e4
    background_tilt: float = 0.2
    # Simulation
    dark_particle_mass: float = 5.5e9
    star_particle_mass: float = 1.1e9
    smoothing_particles: float = 64.0
