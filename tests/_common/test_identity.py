import functools
import json

import numpy as np
import pytest
from astropy import units
from astropy.cosmology import FlatLambdaCDM
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer

from darkcnn._common.identity import describe, fingerprint


def double(x):
    return 2 * x


def halve(x):
    return x / 2


def times(factor):
    return lambda x: factor * x


def with_constant(value):
    """A function of a module of the user, which refers to a constant by way of another function."""
    module = {"__name__": "their_module", "CONSTANT": value}
    exec("def part(x): return CONSTANT * x\ndef whole(x): return [part(each) for each in x]", module)
    return module["whole"]


class Own(BaseEstimator):
    def __init__(self, function=None, verbose=0):
        self.function, self.verbose = function, verbose


class Plain:
    def __init__(self, function):
        self.function = function

    def apply(self, x):
        return self.function(x)


def later(value=1):
    def apply(x, value=value):
        return value * x

    return apply


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (double, halve),
        (eval("lambda x: x + 1"), eval("lambda x: x + 2")),
        (with_constant(2), with_constant(3)),
        (times(2), times(3)),
        (later(1), later(2)),
        (functools.partial(double), functools.partial(halve)),
        (functools.partial(double, 1), functools.partial(double, 2)),
        (make_scorer(double), make_scorer(halve)),
        (make_scorer(double), make_scorer(double, greater_is_better=False)),
        (Own(double), Own(halve)),
        ([{"function": double}], [{"function": halve}]),
        (Plain(double), Plain(halve)),
        (Plain(double).apply, Plain(halve).apply),
        (Own, Plain),
        (LogisticRegression(C=1.0), LogisticRegression(C=2.0)),
        (np.arange(3), np.arange(1, 4)),
        (np.arange(3), np.arange(3.0)),
        (np.array(1.0), np.array(2.0)),
        (np.zeros((0, 2)), np.zeros((0, 3))),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[0, 0])),
        (float("nan"), float("inf")),
        (np.random.RandomState(0), np.random.RandomState(1)),
    ],
)
def test_what_differs_is_described_differently(one, other):
    assert describe(one) == describe(one)
    assert describe(one) != describe(other)
    assert json.loads(json.dumps(describe(one), allow_nan=False)) == describe(one)


def test_a_function_that_encloses_itself_comes_to_an_end():
    def again(n):
        return again(n - 1) if n else 0

    assert "itself" in json.dumps(describe(again))


def test_equal_values_of_other_types_and_what_does_not_matter_are_the_same():
    assert describe(np.float64(0.1)) == describe(0.1)
    assert describe((1, 2)) == describe([1, 2])
    assert describe(Own(verbose=0)) == describe(Own(verbose=2))


def test_a_cosmology_is_the_same_after_it_was_used():
    cosmology = FlatLambdaCDM(H0=70, Om0=0.3, name="own")
    before = describe(cosmology)
    cosmology.luminosity_distance(0.5)
    assert describe(cosmology) == before != describe(cosmology.clone(H0=71))


def test_units_are_part_of_an_array():
    assert fingerprint([1, 2] * units.kpc) != fingerprint([1, 2] * units.Mpc)
