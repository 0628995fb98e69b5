"""Records of clusters: fields, labels of dark-matter models, and rows that are read or drawn when needed."""

from darkcnn.records.checks import check_records, is_records, plain_records, refuse_units
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
from darkcnn.records.groups import check_groups
from darkcnn.records.halos import number_halos
from darkcnn.records.labels import (
    DarkMatter,
    canonical_labels,
    cross_section_of,
    join_labels,
    label_of,
    sort_labels,
    split_labels,
)
from darkcnn.records.observed import SHEAR, TANGENTIAL, ObservedRecords
from darkcnn.records.rows import CHUNK, LazyRows, chunks

__all__ = [
    "CHUNK",
    "FIELD_SIZE",
    "GALAXY_DTYPE",
    "MAPS",
    "NORMS",
    "NORM_UNITS",
    "SCALARS",
    "SHEAR",
    "TANGENTIAL",
    "DarkMatter",
    "LazyRows",
    "ObservedRecords",
    "RecordsOnDisk",
    "canonical_labels",
    "check_groups",
    "check_records",
    "chunks",
    "cross_section_of",
    "is_records",
    "join_labels",
    "label_of",
    "number_halos",
    "plain_records",
    "record_dtype",
    "refuse_units",
    "sort_labels",
    "split_labels",
]
