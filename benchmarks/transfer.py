"""Transfer: how many halos of another simulation a pretrained network needs, and what it withstands.

"Another simulation" is the mock with other physics. Four parts, each a list of fits:

targets
    Five simulations, and 0 to 150 halos of each to train on: the linear classifier of radial profiles, the
    polar network from scratch, a new head on the pretrained network, and the pretrained network fine-tuned.
shifts
    The pretrained network as it is, beside network and linear classifier trained on 300 fiducial halos: on
    fiducial maps, on blurred and shifted ones, and on more massive halos, with pixels of 20 and of 40 kpc.
inputs
    The same on fiducial maps with other numbers of pixels, and on fewer maps.
kinds
    Networks pretrained here, on fewer suites than the packaged one: with everything varied, with nothing
    varied, and with one family of parameters fixed; tested on suites in which only that family varies.

Each fit is a line of JSON in ``FOLDER/transfer.jsonl``. Those that are there are not repeated, so that an
interrupted part goes on. The tables are made from all lines:

    python benchmarks/transfer.py FOLDER targets shifts inputs kinds --output tables.md
"""

import argparse
import json
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from accuracy import clocked_fit, markdown, with_errors
from other_simulations import (
    CROSS_SECTIONS,
    FAMILIES,
    N_FIDUCIAL,
    N_SUITES,
    N_TEST,
    SHIFTS,
    SIZES,
    TARGETS,
    embedded_test_set,
    suites,
    test_set,
    training_set,
)
from sklearn.pipeline import make_pipeline
from tqdm import tqdm

from darkcnn import MapSelector, default_pipeline, load_pretrained
from darkcnn._common.writing import atomic_write
from darkcnn.preprocessing import profile_baseline
from darkcnn.records import MAPS

SELECTIONS = (("total", "stellar"), ("total", "xray"), ("total",))
EPOCHS = 16  # of the pretrainings of `kinds`
ESTIMATORS = ("scratch", "profiles", "head", "fine-tuned")


@dataclass(frozen=True)
class Fit:
    """One training, and what it is tested on."""

    estimator: str  # profiles, scratch, pretrained as it is, head or fine-tuned; of kinds, what varied
    data: str = "fiducial"
    n_halos: int = N_FIDUCIAL
    seed: int = 0  # of the training, and of the halos that it sees
    n_pixels: int = 50
    maps: tuple = MAPS
    tests: tuple = ("fiducial",)


def plan_targets(sizes, n_seeds):
    """List the fits on simulations that are new to the pretrained network."""
    for name in TARGETS:
        yield Fit("pretrained", name, 0, tests=(name,))
    for n_halos, seed, name in product(sizes, range(n_seeds), TARGETS):
        for estimator in ESTIMATORS:
            yield Fit(estimator, name, n_halos, seed, tests=(name,))


def plan_shifts(n_seeds):
    """List the fits that are tested on shifted maps."""
    for seed in range(n_seeds):
        for n_pixels in (50, 100):
            yield Fit("pretrained", n_halos=0, n_pixels=n_pixels, tests=SHIFTS)
            for estimator in ("profiles", "scratch"):
                yield Fit(estimator, seed=seed, n_pixels=n_pixels, tests=SHIFTS)


def plan_inputs():
    """List the fits on other numbers of pixels than those of the shifts, and on fewer maps."""
    for n_pixels, maps in [(25, MAPS), (128, MAPS), *((50, maps) for maps in SELECTIONS)]:
        yield Fit("pretrained", n_halos=0, n_pixels=n_pixels, maps=maps)
        for estimator in ("profiles", "scratch"):
            yield Fit(estimator, n_pixels=n_pixels, maps=maps)


def plan_kinds(n_seeds):
    """List the pretrainings with everything, nothing, and all but one family varied."""
    for seed in range(n_seeds):
        for varied in ("everything", "nothing"):
            yield Fit(varied, "suites", seed=seed, tests=tuple(FAMILIES))
        for family in FAMILIES:
            yield Fit(f"all but {family}", "suites", seed=seed, tests=(family,))


def build(fit):
    """Return the estimator of a fit."""
    if fit.estimator == "profiles":
        return make_pipeline(MapSelector(fit.maps), *profile_baseline())
    if fit.estimator == "scratch":
        return default_pipeline(maps=fit.maps, random_state=fit.seed)
    if fit.estimator == "head":
        return default_pipeline(maps=fit.maps, pretrained=True)
    if fit.estimator == "fine-tuned":
        return default_pipeline(pretrained="all", random_state=fit.seed)
    return default_pipeline(epochs=EPOCHS, random_state=fit.seed)


def training_rows(fit):
    """Return the records and labels that a fit is trained on."""
    if fit.data == "suites":
        fixed = FAMILIES.get(fit.estimator.removeprefix("all but "), ())
        nothing = {"varied": ()} if fit.estimator == "nothing" else {}
        return suites("train", fit.seed, fixed=fixed, **nothing)
    return training_set(fit.data, fit.n_halos, fit.n_pixels, fit.seed)


def run(fit):
    """Train and test, and return the seconds and, for each test, the fraction right of each halo or suite."""
    seconds = 0.0
    if fit.estimator == "pretrained":
        estimator = load_pretrained(cross_sections=CROSS_SECTIONS, maps=fit.maps)
    else:
        estimator = build(fit)
        seconds = clocked_fit(estimator, *training_rows(fit))
    right = {}
    for test in fit.tests:
        n_groups = N_TEST
        if fit.data == "suites":  # two families have the names of targets
            (X, y), n_groups = suites("test", varied=FAMILIES[test]), N_SUITES["test"]
        elif "embed" in estimator.named_steps:
            X, y = embedded_test_set(test, fit.n_pixels, fit.maps)
        else:
            X, y = test_set(test, fit.n_pixels)
        hits = (estimator if X.dtype.names else estimator[1:]).predict(X) == y
        right[test] = hits.reshape(n_groups, -1).mean(axis=1).round(5).tolist()
    return {"seconds": round(seconds, 1), "right": right}


def read(path):
    """Return the results of all fits that are done."""
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            fit = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in entry["fit"].items()
            }
            results[Fit(**fit)] = entry["result"]
    return results


def run_all(fits, path, run=run):
    """Run what is not done yet, one line a fit."""
    done = read(path)
    for fit in (progress := tqdm([fit for fit in dict.fromkeys(fits) if fit not in done], unit="fit")):
        progress.set_postfix_str(f"{fit.estimator}, {fit.data}, {fit.n_halos} halos, {fit.n_pixels} px")
        result = run(fit)
        with path.open("a") as file:
            file.write(json.dumps({"fit": asdict(fit), "result": result}) + "\n")


def right_of(results, estimator, test=None, **settings):
    """Return the fraction of maps told right, of shape (n_seeds, n_groups), or None if there is none."""
    found = [
        (fit.seed, result["right"][test or fit.tests[0]])
        for fit, result in results.items()
        if fit.estimator == estimator and all(getattr(fit, name) == value for name, value in settings.items())
    ]
    return np.array([right for _, right in sorted(found)]) if found else None


def difference(one, other):
    """Subtract, seed by seed; of what has no randomness, there is one."""
    if one is None or other is None:
        return None
    n_seeds = min(len(one), len(other))
    return one - other if n_seeds == 1 else one[:n_seeds] - other[:n_seeds]


def target_table(results):
    """Lay out the accuracy on other simulations by the number of their halos."""
    rows = []
    for name in TARGETS:
        enough = right_of(results, "scratch", data=name, n_halos=max(SIZES))
        for n_halos in (0, *SIZES):
            of = {each: right_of(results, each, data=name, n_halos=n_halos) for each in ESTIMATORS}
            if n_halos == 0:
                of["head"] = right_of(results, "pretrained", data=name)
            pairs = (of["head"], of["profiles"]), (of["head"], enough)
            gains = [with_errors(difference(*pair), "+") for pair in pairs]
            rows.append([name, n_halos, *(with_errors(of[each]) for each in ESTIMATORS), *gains])
    columns = "simulation", "halos", *ESTIMATORS, "head - profiles", f"head - scratch on {max(SIZES)}"
    return markdown(columns, rows)


def shift_table(results):
    """Lay out the accuracy on shifted maps, and what the shift costs, with the same halos."""
    rows = []
    for n_pixels in (50, 100):
        for estimator in ("profiles", "scratch", "pretrained"):
            settings = {"data": "fiducial", "n_pixels": n_pixels, "maps": MAPS}
            of = {test: right_of(results, estimator, test, **settings) for test in SHIFTS}
            first, *others = of.values()
            losses = [with_errors(difference(each, first), "+") for each in others]
            rows.append([f"{2000 // n_pixels} kpc", estimator, with_errors(first), *losses])
    return markdown(["pixel", "estimator", *SHIFTS], rows)


def input_table(results):
    """Lay out the accuracy by the number of pixels, and on fewer maps."""
    rows = []
    for n_pixels, maps in [*((n, MAPS) for n in (25, 50, 100, 128)), *((50, maps) for maps in SELECTIONS)]:
        of = [
            right_of(results, each, "fiducial", data="fiducial", n_pixels=n_pixels, maps=maps)
            for each in ("profiles", "scratch", "pretrained")
        ]
        rows.append(
            [n_pixels, ", ".join(maps), *map(with_errors, of), with_errors(difference(of[2], of[1]), "+")]
        )
    columns = "pixels", "maps", "profiles", "scratch", "pretrained", "pretrained - scratch"
    return markdown(columns, rows)


def kind_table(results):
    """Lay out the accuracy on suites in which one family varies, by what varied in the pretraining."""
    rows = []
    for family in FAMILIES:
        nothing, without, everything = (
            right_of(results, varied, family, data="suites")
            for varied in ("nothing", f"all but {family}", "everything")
        )
        rows.append(
            [
                family,
                *(with_errors(each) for each in (nothing, without, everything)),
                with_errors(difference(everything, without), "+"),
            ]
        )
    return markdown(["family", "nothing", "all but it", "everything", "everything - all but it"], rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "parts", nargs="*", default=[], metavar="part", help="targets, shifts, inputs or kinds"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="halos to train on in `targets`")
    parser.add_argument("--estimators", nargs="+", help="run the fits of these only")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "transfer.jsonl"
    plans = {
        "targets": plan_targets(options.sizes, options.seeds),
        "shifts": plan_shifts(options.seeds),
        "inputs": plan_inputs(),
        "kinds": plan_kinds(options.seeds),
    }
    if unknown := set(options.parts) - plans.keys():
        parser.error(f"part must be one of {', '.join(plans)}, got {', '.join(unknown)}")
    for part in options.parts:
        fits = [fit for fit in plans[part] if not options.estimators or fit.estimator in options.estimators]
        run_all(fits, path)
    results = read(path)
    text = "\n".join(table(results) for table in (target_table, shift_table, input_table, kind_table))
    print(text)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
