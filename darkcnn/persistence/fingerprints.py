"""Fingerprints of clusters, which identify them under other ids and in other files."""

import hashlib

import numpy as np

from darkcnn.records import MAPS, chunks, plain_records


def fingerprint_clusters(records):
    """Return a checksum of the first known map of each cluster, independent of the file format.

    It is None for clusters without maps.
    """
    return [_fingerprint(image) for rows in chunks(len(records)) for image in _first_maps(records[rows])]


def _first_maps(records):
    """Return the first known map of each cluster, in the order of `MAPS`."""
    records = plain_records(records)
    images = np.array(records["total"], "<f4")
    for name in MAPS[1:]:
        unknown = np.isnan(images).all(axis=(1, 2))
        if unknown.any():
            images[unknown] = records[name][unknown]
    return images


def _fingerprint(image):
    if np.isnan(image).all():
        return None
    image[np.isnan(image)] = np.nan  # NaN has several bit patterns
    return hashlib.blake2b(image.tobytes(), digest_size=8).hexdigest()
