"""Tables of records as other packages read them."""

from io import BytesIO

from astropy.io import fits


def fits_table(records, *, scale=1, null=None, unit=None):
    """Records as astropy reads them from a FITS table.

    Parameters
    ----------
    records : structured ndarray of shape (n_samples,)
        Records.
    scale : float, default=1
        What the stored maps are to be multiplied by.
    null : int or None, default=None
        Halo that means that there is none.
    unit : str or None, default=None
        Unit of the lensing norm.
    """
    stored = records.astype(records.dtype.newbyteorder(">"))
    header = fits.BinTableHDU(stored).header
    for number, name in enumerate(records.dtype.names, 1):
        if scale != 1 and records.dtype[name].shape:
            stored[name] /= scale
            header[f"TSCAL{number}"] = scale
        if name == "cluster_id" and null is not None:
            header[f"TNULL{number}"] = null
        if name == "lensing_norm" and unit is not None:
            header[f"TUNIT{number}"] = unit
    raw, primary = stored.tobytes(), fits.PrimaryHDU().header.tostring()
    return fits.getdata(BytesIO((primary + header.tostring()).encode() + raw + bytes(-len(raw) % 2880)), 1)
