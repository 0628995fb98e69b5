"""Checks of the arguments of `make_clusters`."""

from pathlib import Path

import numpy as np
from sklearn.utils import check_random_state

from darkcnn.simulation import HEATING, NUMBERS_PER_SUITE, Physics, draw_suites


def check_path(path, random_state):
    """Check that a simulation can be written to a file and resumed."""
    if Path(path).suffix.lower() not in (".h5", ".hdf5"):
        raise ValueError(f"path must end in .h5 or .hdf5, got {str(path)!r}")
    if not isinstance(random_state, int | np.integer):
        raise ValueError(f"random_state must be an integer to write to a path, got {random_state!r}")


def check_count(argument, value):
    """Check that a value is a positive integer."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{argument} must be an integer of 1 or more, got {value!r}")


def check_numbers(argument, values):
    """Check a list of distinct numbers, zero or more, and return it."""
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1 or len(numbers) == 0 or not np.isfinite(numbers).all() or (numbers < 0).any():
        raise ValueError(f"{argument} must be a list of numbers, zero or more, got {values!r}")
    if len(np.unique(numbers)) < len(numbers):
        raise ValueError(f"{argument} must not repeat a number, got {values!r}")
    return numbers.tolist()


def check_feedback(feedback):
    """Check feedback variants and return them as a list."""
    names = [feedback] if isinstance(feedback, str) else list(feedback)
    if not names or len(set(names)) < len(names) or not set(names) <= set(HEATING):
        raise ValueError(f"feedback must be one or several of {list(HEATING)}, got {feedback!r}")
    return names


def check_suites(physics, n_suites, n_halos, seed):
    """Return the physics of each suite; None for a single simulation without suites."""
    if n_suites is not None:
        check_count("n_suites", n_suites)
        if physics is not None:
            raise ValueError(
                "physics must not be given with n_suites: to choose what varies, pass a list of Physics, one "
                "for each suite, such as from Physics.draw"
            )
        physics = draw_suites(n_suites, seed)
    is_list = isinstance(physics, list | tuple)
    for each in physics if is_list else [Physics() if physics is None else physics]:
        if not isinstance(each, Physics):
            raise TypeError(
                "physics must be one or a list of darkcnn.simulation.Physics, got "
                f"{'a list of ' * is_list}{type(each).__name__}"
            )
    if not is_list:
        return None
    if not physics:
        raise ValueError("physics must contain the physics of at least one suite, got an empty list")
    if n_halos > NUMBERS_PER_SUITE:
        raise ValueError(f"n_halos must be at most {NUMBERS_PER_SUITE:,} in each suite, got {n_halos:,}")
    return list(physics)


def seed_of(random_state):
    """Return an integer seed; an integer is returned unchanged, so that it identifies the data set."""
    generator = check_random_state(random_state)
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(generator.randint(np.iinfo(np.int32).max))
