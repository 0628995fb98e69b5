"""Errors in another universe: how often intervals hold the truth in worlds without calibration clusters.

    python benchmarks/shift.py FOLDER [--fresh 100] [--doubled 30] [--output shift.md]

The packaged network reads samples of mock clusters with a known cross-section, and four calibrations turn
its answers into intervals:

one suite
    Probabilities, calibrated with 300 halos of the default physics, as if that were the world.
suites, probabilities
    Suites as a random effect, from the probabilities of 40 suites at nine cross-sections.
suites, embedding
    The calibration that comes with the network, of 300 suites.
and ten own halos
    The same, conditioned on ten other halos of the world of the sample, at 0, 0.1 and 1 cm2/g.
40 suites, embedding; without ...
    The embedding of as many suites as the probabilities; and of suites in which one kind of physics is that
    of the default: it is left out of the calibration.
40 suites, embedding and mass; biased
    ``log_mass`` as one more feature; and with the masses of the sample 20 % too high.

Worlds: fresh suites, drawn like those of the calibration but from other seeds; suites whose parameters lie
twice as far from the middle of their ranges, up to where the formulas hold; and single ones, the default
physics, with one thing changed. Each world counts once, as its samples share its physics, and errors are
the scatter between worlds. Each is a line of JSON in ``FOLDER/worlds.jsonl``, and is not simulated again.
"""

import argparse
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from other_simulations import FAMILIES
from tqdm import tqdm

from darkcnn import CrossSectionPosterior, load_pretrained
from darkcnn.datasets import make_clusters
from darkcnn.inference import SuiteResponse, coverage_check
from darkcnn.records import MAPS, cross_section_of, label_of
from darkcnn.report.cross_section import packaged_response
from darkcnn.simulation import Physics, Scatter

TRUTHS = (0, 0.05, 0.1, 0.3, 0.5, 1)  # cm2/g
DESIGN = (0, 0.03, 0.06, 0.1, 0.17, 0.3, 0.5, 0.7, 1)
N_HALOS = 100
OWN = slice(100, 110), (0, 0.1, 1)  # further halos, and their cross-sections
SIZES = {30: 3, 100: 1}  # clusters of a sample, and how many samples of each world and truth
REDSHIFT = 0.25
FRESH, DOUBLED, CALIBRATION, SINGLE = 71, 72, 73, 74  # seeds
CHANGES = {
    "default physics": {},
    "0.3 dex more massive": {"log_mass": 14.73},
    "blur of 0.4 pixel": {"map_blur": 16.0},
    "centres off by 20 kpc": {"miscentring": 20.0},
    "other galaxies": {"galaxy_log_mass": 11.8, "galaxy_size": 20.0, "core_galaxy_mass": 0.6},
    "other gas": {"gas_fraction": 0.145, "cool_core": 0.9, "gas_core": 150.0, "gas_response": 0.5},
    "other inner halos": {"inner_density": -0.1, "core_age": 0.55, "core_blur": 0.7},
}
LEVELS = (0.68, 0.95)
PACKAGED, CONDITIONED = "suites, embedding", "and ten own halos"


def doubled(physics):
    """Move every parameter twice as far from the middle of its range, within where the formulas hold."""
    moved = {}
    for each in fields(Physics):
        spread, (lowest, highest) = each.metadata["spread"], each.metadata["bounds"]
        value = getattr(physics, each.name)
        if isinstance(value, tuple):
            continue  # limits, which must stay in order
        number = value.size if isinstance(value, Scatter) else value
        if each.metadata["scale"] == "log":
            number = number**2 / np.sqrt(np.prod(spread))
        else:
            number = 2 * number - np.mean(spread)
        number = float(np.clip(number, lowest, highest))
        moved[each.name] = replace(value, size=number) if isinstance(value, Scatter) else number
    return replace(physics, **moved)


@dataclass(frozen=True)
class Way:
    """A calibration, and the features of a sample that it needs."""

    posterior: CrossSectionPosterior
    embedded: bool = True  # False for probabilities alone
    mass_bias: float | None = None  # dex, of the masses that are joined to the embedding; None for none
    sizes: tuple = tuple(SIZES)

    def features(self, embedding, records):
        """Return the features of a sample, None for probabilities alone."""
        if not self.embedded:
            return None
        return embedding if self.mass_bias is None else _joined(embedding, records, self.mass_bias)


def calibrations(network):
    """Return every way to calibrate, by name."""
    one = make_clusters(300, redshifts=(REDSHIFT,), random_state=CALIBRATION)
    classes = network.classes_.tolist()
    packaged = packaged_response(network[0].name_, MAPS, one.data["total"].shape[1])
    many = _suites()
    ways = {
        "one suite": Way(
            CrossSectionPosterior(classes, random_state=0).calibrate(
                network.predict_proba(one.data), one.target, one.groups
            ),
            embedded=False,
        ),
        "suites, probabilities": Way(
            CrossSectionPosterior(classes).calibrate(
                network.predict_proba(many.data), many.target, many.groups, suites=many.suite
            ),
            embedded=False,
        ),
        PACKAGED: Way(CrossSectionPosterior(classes).calibrate_with(packaged)),
        CONDITIONED: Way(CrossSectionPosterior(classes).calibrate_with(packaged)),
    }
    largest = (max(SIZES),)
    ways["40 suites, embedding"] = Way(_calibrated(network, many), sizes=largest)
    by_mass = _calibrated(network, many, mass=True)
    ways["40 suites, embedding and mass"] = Way(by_mass, mass_bias=0.0, sizes=largest)
    ways["40 suites, embedding and mass, biased"] = Way(by_mass, mass_bias=np.log10(1.2), sizes=largest)
    for family, fixed in FAMILIES.items():
        calibrated = _calibrated(network, _suites(fixed))
        ways[f"40 suites, embedding, without {family}"] = Way(calibrated, sizes=largest)
    return ways


def _suites(fixed=()):
    draws = [Physics().draw(np.random.RandomState([CALIBRATION, i]), fixed=fixed) for i in range(40)]
    return make_clusters(
        12, physics=draws, cross_sections=DESIGN, redshifts=(REDSHIFT,), random_state=CALIBRATION
    )


def _calibrated(network, clusters, *, mass=False):
    features = network[:-1].transform(clusters.data)
    response = SuiteResponse(
        _joined(features, clusters.data) if mass else features,
        np.array([cross_section_of(label) for label in clusters.target]),
        clusters.suite,
        clusters.groups,
    )
    return CrossSectionPosterior(network.classes_.tolist()).calibrate_with(response)


def _joined(embedding, records, bias=0.0):
    """Join the logarithm of the mass to the embedding."""
    return np.column_stack([embedding, records["log_mass"] + bias])


def measure(network, ways, physics, seed):
    """Measure coverage in one world.

    Return, for each way, size and sample: the truth, whether each interval contains it, and the width of the
    first; and the p-values of the samples of 100 by the calibration of the network.
    """
    clusters = make_clusters(
        OWN[0].stop, cross_sections=TRUTHS, redshifts=(REDSHIFT,), physics=physics, random_state=seed
    )
    embedding = network[:-1].transform(clusters.data)
    probabilities = network[-1].predict_proba(embedding)
    is_own = np.isin(clusters.groups, np.arange(OWN[0].start, OWN[0].stop))
    own = is_own & np.isin(clusters.target, [label_of(each) for each in OWN[1]])
    ways[CONDITIONED].posterior.condition(
        probabilities[own], clusters.target[own], clusters.groups[own], embedding=embedding[own]
    )
    rest = ~is_own
    found = []
    for name, way in ways.items():
        for size in way.sizes:
            check = coverage_check(
                way.posterior,
                probabilities[rest],
                clusters.target[rest],
                clusters.groups[rest],
                embedding=way.features(embedding[rest], clusters.data[rest]),
                n_clusters=size,
                n_samples=SIZES[size],
                levels=LEVELS,
                random_state=seed,
            )
            widths = np.diff(np.log1p(np.minimum(check.intervals[:, 0], 1) / 0.1))[:, 0]
            for truth, contained, width in zip(check.cross_sections, check.contained, widths, strict=True):
                found.append([name, size, float(truth), *contained.tolist(), round(float(width), 3)])
    pvalues = [
        ways[PACKAGED].posterior.pvalue(embedding[rest & (clusters.target == label_of(truth))])
        for truth in TRUTHS
    ]
    return {"found": found, "pvalues": np.round(pvalues, 4).tolist()}


def worlds(n_fresh, n_doubled):
    """Yield kind, name, physics and seed of every world."""
    for i, (name, change) in enumerate(CHANGES.items()):
        yield "single", name, Physics(**change), SINGLE * 1000 + i
    for i in range(n_fresh):
        yield "fresh suites", i, Physics().draw(np.random.RandomState([FRESH, i])), FRESH * 1000 + i
    for i in range(n_doubled):
        drawn = Physics().draw(np.random.RandomState([DOUBLED, i]))
        yield "ranges doubled", i, doubled(drawn), DOUBLED * 1000 + i


def table(lines):
    """Lay out coverage and widths, and how often samples are unlike every suite."""
    rows = ["| worlds | calibration | N | 68 % | 95 % | of CDM, 95 % | worst world, 95 % | width of 68 % |"]
    rows.append("|" + "---|" * 8)
    unlike = ["| worlds | p < 0.05 | p < 0.2 | p < 0.05, CDM |", "|---|---|---|---|"]
    kinds = dict.fromkeys((line["kind"] if line["kind"] != "single" else line["name"]) for line in lines)
    for kind in kinds:
        of_kind = [line for line in lines if kind in (line["kind"], line["name"])]
        name = f"{kind} ({len(of_kind)})" if len(of_kind) > 1 else kind
        pvalues = np.array([line["pvalues"] for line in of_kind])
        cells = [_percent((pvalues < level).mean(axis=1)) for level in (0.05, 0.2)]
        of_cdm = 100 * (pvalues[:, TRUTHS.index(0)] < 0.05).mean()
        unlike.append(f"| {name} | {' | '.join(cells)} | {of_cdm:.0f} |")
        for way, size in dict.fromkeys((entry[0], entry[1]) for entry in of_kind[0]["found"]):
            each = np.array(
                [[entry[2:] for entry in line["found"] if entry[:2] == [way, size]] for line in of_kind],
                dtype=float,
            )  # worlds, samples, (truth, held, held, width)
            by_world = each[..., 1:].mean(axis=1)
            cdm = each[each[..., 0] == 0][:, 2].mean()
            held = [_percent(by_world[:, i]) for i in (0, 1)]
            cells = (
                name,
                way,
                size,
                *held,
                f"{100 * cdm:.0f}",
                f"{100 * by_world[:, 1].min():.0f}",
            )
            rows.append(f"| {' | '.join(map(str, cells))} | {by_world[:, 2].mean():.2f} |")
    return "\n".join([*rows, "", *unlike])


def _percent(by_world):
    """Return a mean over worlds in per cent, with its error if there are several."""
    text = f"{100 * by_world.mean():.0f}"
    if len(by_world) > 1:
        text += f" ± {100 * by_world.std(ddof=1) / np.sqrt(len(by_world)):.0f}"
    return text


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fresh", type=int, default=100, help="fresh suites")
    parser.add_argument("--doubled", type=int, default=30, help="suites of doubled ranges")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "worlds.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(line["kind"], line["name"]) for line in lines}
    wanted = [world for world in worlds(options.fresh, options.doubled) if world[:2] not in done]
    if wanted:
        network = load_pretrained()
        ways = calibrations(network)
        for kind, name, physics, seed in tqdm(wanted, unit="world"):
            lines.append({"kind": kind, "name": name, **measure(network, ways, physics, seed)})
            with path.open("a") as file:
                print(json.dumps(lines[-1]), file=file)
    text = table(lines)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
