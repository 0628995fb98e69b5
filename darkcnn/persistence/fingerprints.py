"""Checksums of clusters, by which they are recognised under other ids and in other files."""

import hashlib

import numpy as np

from darkcnn.records import MAPS, chunks, plain_records


def fingerprint_clusters(records):
    """Return a checksum of the first map of each cluster that is known, the same whatever file it came from.

    None for clusters without any map.
    """
    return [_fingerprint(image) for rows in chunks(len(records)) for image in _first_maps(records[rows])]


def _first_maps(records):
    """Return a map of each cluster: of total mass, or the next of `MAPS` where that is not known."""
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
    image[np.isnan(image)] = np.nan  # there are NaN of many bits
    return hashlib.blake2b(image.tobytes(), digest_size=8).hexdigest()
