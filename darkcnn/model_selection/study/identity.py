"""Description of everything that determines the results of a study."""

import joblib

from darkcnn._common.identity import describe, fingerprint
from darkcnn._common.versions import versions


def identify(pipeline, data, splits, scoring):
    """Describe everything that determines the result of a fit, except the parameters of the candidate.

    `data` are records, labels, groups and weights by name, `splits` the rows of each training and test set.
    """
    return {
        "pipeline": describe(pipeline),
        "scoring": describe(scoring),
        **{name: None if array is None else fingerprint(array) for name, array in data.items()},
        "splits": f"{len(splits)} of checksum {joblib.hash(splits)}",
        "versions": versions(),
    }


def differences(before, now, name=""):
    """List the differences between two descriptions, one line each; `name` is the path of the part."""
    if isinstance(before, dict) and isinstance(now, dict):
        absent = "absent"
        parts = [(f"{name}.{key}", before.get(key, absent), now.get(key, absent)) for key in before | now]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        parts = [(f"{name}[{place}]", *pair) for place, pair in enumerate(zip(before, now, strict=True))]
    else:
        return [] if before == now else [f"{name.lstrip('.')}: {before} before, {now} now"]
    return [line for part, *pair in parts for line in differences(*pair, part)]
