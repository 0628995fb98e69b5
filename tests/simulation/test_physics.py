from dataclasses import fields, replace

import numpy as np
import pytest
from astropy.units import Unit

from darkcnn.simulation import Physics, Scatter
from darkcnn.simulation.parameters import STATUSES, numbers_of

PARAMETERS = [pytest.param(field, id=field.name) for field in fields(Physics)]


@pytest.mark.parametrize("field", PARAMETERS)
def test_every_parameter_is_described(field):
    about = field.metadata
    assert about["meaning"]
    Unit(about["unit"])
    low, high = about["bounds"]
    spreads = about["spread"] if isinstance(field.default, tuple) else (about["spread"],)
    for default, (least, most) in zip(numbers_of(field.default), spreads, strict=True):
        assert low <= least <= default <= most <= high
        assert least < most
        assert least > 0 or about["scale"] == "linear"
    assert about["scale"] in ("linear", "log")
    assert about["status"] in STATUSES
    assert about["source"] or about["status"] in ("tuned", "guess")


def test_the_table_lists_every_parameter():
    table = Physics.table()
    assert sorted(table["name"]) == sorted(field.name for field in fields(Physics))
    row = table[table["name"] == "gas_core"][0]
    assert dict(row) == {
        "part": "Gas",
        "name": "gas_core",
        "default": "220",
        "meaning": "core radius of the gas of a halo of 3.5e14 Msun at z = 0",
        "unit": "kpc",
        "status": "tuned",
        "source": "",
        "bounds": "10 to 1000",
        "spread": "130 to 300",
        "scale": "log",
    }


def test_unknown_names_get_a_hint():
    with pytest.raises(TypeError, match="Physics has no parameter 'log_mas'; did you mean 'log_mass'"):
        Physics(log_mas=14.6)
    with pytest.raises(TypeError, match=r"Physics has no parameter 'velocity'$"):
        replace(Physics(), velocity=3)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"gas_core": 5}, ValueError, "gas_core must be between 10 and 1000 kpc, got 5"),
        ({"axis_ratio": np.nan}, ValueError, "axis_ratio must be between 0.1 and 1, got nan"),
        ({"core_scatter": Scatter(2.0)}, ValueError, "core_scatter must be between 0 and 1 dex, got Scatter"),
        ({"log_mass_range": (12, 15)}, ValueError, r"log_mass_range must be between 13 .* got \(12, 15\)"),
        ({"core_scatter": 0.1}, TypeError, "core_scatter must be like Scatter.* got 0.1"),
        ({"log_mass_range": (14, 15, 16)}, TypeError, "log_mass_range must be like .* got"),
        ({"log_mass": "14"}, TypeError, "log_mass must be like 14.43, got '14'"),
    ],
)
def test_values_out_of_bounds_are_named(values, error, message):
    with pytest.raises(error, match=message):
        Physics(**values)


def test_numbers_become_floats():
    assert type(Physics(gas_core=np.float64(200)).gas_core) is float
    assert Physics(gas_core=200) == Physics(gas_core=np.float32(200))
