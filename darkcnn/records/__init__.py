"""Cluster records: fields, dark-matter labels, and lazy rows on disk or with noise."""

from darkcnn.records.attributes import bcg_concentration, bcg_ellipticity, xray_concentration
from darkcnn.records.checks import check_records, check_unitless, is_records, plain_records
from darkcnn.records.disk import RecordsOnDisk
from darkcnn.records.fields import (
    FIELD_SIZE,
    GALAXY_DTYPE,
    MAPS,
    NORM_UNITS,
    NORMS,
    SCALARS,
    record_dtype,
)
from darkcnn.records.gaps import fill_gaps
from darkcnn.records.groups import check_groups
from darkcnn.records.halos import check_halo_masses, number_halos
from darkcnn.records.labels import (
    DarkMatter,
    canonical_labels,
    cross_section_of,
    join_labels,
    label_of,
    sort_labels,
    split_labels,
)
from darkcnn.records.making import MadeRecord, MakeOptions, make_record, warn_about_maps
from darkcnn.records.observed import SHEAR, TANGENTIAL, ObservedRecords
from darkcnn.records.particles import project_particles
from darkcnn.records.peak import smooth
from darkcnn.records.quantities import MAP_UNITS, label_from, pixel_kpc, to_values
from darkcnn.records.rows import CHUNK, LazyRows, chunks

__all__ = [
    "CHUNK",
    "FIELD_SIZE",
    "GALAXY_DTYPE",
    "MAPS",
    "MAP_UNITS",
    "NORMS",
    "NORM_UNITS",
    "SCALARS",
    "SHEAR",
    "TANGENTIAL",
    "DarkMatter",
    "LazyRows",
    "MadeRecord",
    "MakeOptions",
    "ObservedRecords",
    "RecordsOnDisk",
    "bcg_concentration",
    "bcg_ellipticity",
    "canonical_labels",
    "check_groups",
    "check_halo_masses",
    "check_records",
    "check_unitless",
    "chunks",
    "cross_section_of",
    "fill_gaps",
    "is_records",
    "join_labels",
    "label_from",
    "label_of",
    "make_record",
    "number_halos",
    "pixel_kpc",
    "plain_records",
    "project_particles",
    "record_dtype",
    "smooth",
    "sort_labels",
    "split_labels",
    "to_values",
    "warn_about_maps",
    "xray_concentration",
]
