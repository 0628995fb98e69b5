import astropy.units as u
import numpy as np
import pytest
from astropy.utils.masked import Masked
from tables import fits_table

from darkcnn.records import ObservedRecords, check_records, plain_records, record_dtype


def test_check_records_names_what_is_wrong():
    with pytest.raises(TypeError, match=r"X must be records.*got ndarray of shape \(2,\) and dtype float64"):
        check_records(np.zeros(2))
    with pytest.raises(ValueError, match=r"lacks the fields \['stellar_norm'\]"):
        check_records(np.zeros(2, [d for d in record_dtype(4).descr if d[0] != "stellar_norm"]))
    with pytest.raises(ValueError, match=r"at least one record.*got shape \(0,\)"):
        check_records(np.zeros(0, record_dtype(4)))
    with pytest.raises(TypeError, match=r"X must be records.*got dict"):
        check_records({"total": np.zeros((2, 4, 4))})


def test_arrays_pass_as_they_are(clusters, tmp_path):
    np.save(tmp_path / "records.npy", clusters.data)
    for records in (clusters.data, np.load(tmp_path / "records.npy", mmap_mode="r")):
        assert check_records(records) is records
        assert ObservedRecords(records).records is records
    swapped = clusters.data.astype(clusters.data.dtype.newbyteorder())
    np.testing.assert_array_equal(check_records(swapped), clusters.data)


@pytest.fixture(params=["numpy", "astropy"])
def masked(request, clusters):
    """Make masked records of some values that are not known."""

    def make(name, place, junk=0):
        records = clusters.data.copy()
        records[name][place] = junk
        mask = np.zeros(len(records), np.ma.make_mask_descr(records.dtype))
        mask[name][place] = True
        return np.ma.array(records, mask=mask) if request.param == "numpy" else Masked(records, mask)

    return make


@pytest.mark.parametrize(("name", "place"), [("log_mass", 1), ("lensing_norm", [0, 3]), ("total", (2, 5, 5))])
def test_what_is_masked_is_nan(clusters, masked, name, place):
    records = masked(name, place, junk=0.7)
    before = records.copy()
    plain = check_records(records)
    assert type(plain) is np.ndarray
    expected = clusters.data.copy()
    expected[name][place] = np.nan
    assert plain.tobytes() == expected.tobytes()
    np.testing.assert_array_equal(ObservedRecords(records)[name], expected[name])
    assert np.asarray(records).tobytes() == np.asarray(before).tobytes()


def test_a_halo_that_is_masked_is_refused(masked):
    with pytest.raises(ValueError, match="records must have a known 'cluster_id' in every row, but row 4 is"):
        plain_records(masked("cluster_id", 4), "records")


def test_a_mask_that_hides_nothing_copies_nothing(clusters):
    assert np.shares_memory(check_records(np.ma.array(clusters.data)), clusters.data)


def test_a_table_of_fits_is_scaled(clusters):
    records = clusters.data
    plain = check_records(fits_table(records))
    for name in records.dtype.names:
        np.testing.assert_array_equal(plain[name], records[name])
    table = fits_table(records, scale=0.5)
    assert np.asarray(table)["total"].max() == 2  # what is stored
    for form in (check_records(table), ObservedRecords(table), check_records(table[3:])):
        for name in ("total", "stellar"):
            np.testing.assert_array_equal(form[name], records[name][-len(form) :])
        np.testing.assert_array_equal(form["redshift"], records["redshift"][-len(form) :])


def test_nulls_and_units_of_a_table_of_fits_are_read(clusters):
    halo = int(clusters.data["cluster_id"][5])
    with pytest.raises(ValueError, match="must have a known 'cluster_id' in every row, but row"):
        check_records(fits_table(clusters.data, null=halo))
    check_records(fits_table(clusters.data, null=-99, unit="Msun / Mpc2"))
    for unit in ("g cm-2", "kpc"):
        with pytest.raises(
            ValueError, match=rf"X\['lensing_norm'\] must be in 'solMass Mpc-2', got '{unit}'"
        ):
            check_records(fits_table(clusters.data, unit=unit))


def test_units_are_refused(clusters):
    unit = u.StructuredUnit(tuple(u.one for _ in clusters.data.dtype.names), names=clusters.data.dtype.names)
    with pytest.raises(
        TypeError, match=r"X must be numbers without a unit, got Quantity in .*pass its .value"
    ):
        check_records(u.Quantity(clusters.data, unit))
