from dataclasses import fields, replace

import numpy as np
import pytest
from astropy.units import Unit

from darkcnn.simulation import HEATING, Physics, Scatter, with_feedback
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


def test_every_parameter_is_drawn_from_its_spread():
    draws = [Physics().draw(seed) for seed in range(200)]
    for field in fields(Physics):
        values = np.array([numbers_of(getattr(drawn, field.name)) for drawn in draws])
        low, high = np.transpose(field.metadata["spread"])
        if field.metadata["scale"] == "log":
            values, low, high = np.log(values), np.log(low), np.log(high)
        part = (values - low) / (high - low)
        assert part.min() >= -1e-9, field.name
        assert part.max() <= 1 + 1e-9, field.name
        assert np.abs(part.mean(axis=0) - 0.5).max() < 5 / np.sqrt(12 * 200), field.name
        assert np.abs(part.std(axis=0) - 12**-0.5).max() < 0.05, field.name


def test_draws_repeat_and_keep_what_is_fixed():
    base = Physics(gas_core=250, core_scatter=Scatter(0.2, model=1.0))
    assert base.draw(3) == base.draw(3) == base.draw(np.random.RandomState(3)) != base.draw(4)
    assert base.draw(3).core_scatter.model == 1
    free, held = base.draw(3), base.draw(3, fixed=("Gas", "softening"))
    for part, name in Physics.table().iterrows("part", "name"):
        of_base = part == "Gas" or name == "softening"
        assert getattr(held, name) == getattr(base if of_base else free, name), name
    assert base.draw(3, fixed="gas_core") == replace(free, gas_core=250)
    with pytest.raises(ValueError, match=r"fixed must name .*\(Halo, .*Resolution\), got \['gas'\]"):
        base.draw(3, fixed=("gas", "Star"))


@pytest.mark.parametrize("field", [each for each in PARAMETERS if each.id.endswith("_range")])
def test_limits_stay_in_order_wherever_they_are_drawn(field):
    (_, most_of_lower), (least_of_upper, _) = field.metadata["spread"]
    assert most_of_lower < least_of_upper


@pytest.mark.parametrize("feedback", HEATING)
@pytest.mark.parametrize("end", [0, 1])
def test_feedback_keeps_the_ends_of_the_spreads_in_bounds(feedback, end):
    ends = {
        field.name: field.metadata["spread"][end]
        for field in fields(Physics)
        if isinstance(field.default, float)
    }
    for heating in (-0.2, 0.2):
        for response in (0, 1):
            responses = {
                name: field.metadata["spread"][response]
                for name, field in Physics.__dataclass_fields__.items()
                if name.startswith("feedback_")
            }
            with_feedback(Physics(**ends | responses | {"heating": heating}), feedback)
