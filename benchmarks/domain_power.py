"""Power of the out-of-distribution test against changes of physics that matter: shifts by one error.

Each parameter of the mock is set to both ends of its plausible range, with the same halos as by default. The
shift of the cross-section is that of the median on the axis, in halves of the 68 % interval, for samples of
30 clusters, the packaged network and a calibration of the default physics. Where it exceeds one error, the
parameter is moved only as far as shifts the cross-section by about one error (linearly interpolated), and
``DomainTest`` tests samples of other halos.

Each setting is a line of JSON in ``FOLDER/domain_power.jsonl``, and is not repeated. Run as
``python benchmarks/domain_power.py FOLDER``; it prints a table in Markdown.
"""

import argparse
import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from mock_sensitivity import ENDS, is_of_feedback, parameters, physics_at
from out_of_domain import COMPARED, flagged, flagged_by_both, simulate
from tqdm import tqdm

from darkcnn import CrossSectionPosterior, RadialProfiles, load_pretrained
from darkcnn.inference import DomainTest
from darkcnn.simulation import Physics, Scatter

TRUTHS = 0.1, 0.3  # cm2/g, where a shift to either side can be seen
N_HALOS = 90  # of a pool
N_HELD_OUT = 600  # halos of the domain tests
N_CALIBRATION = 300
SEED = 7000


def towards(name, end, fraction):
    """Return the default physics with one parameter moved by a fraction of the way to an end of its range."""
    start, stop = (getattr(each, name) for each in (Physics(), physics_at(name, end)))
    is_log = Physics.__dataclass_fields__[name].metadata["scale"] == "log"
    ends = np.array([each.size if isinstance(each, Scatter) else each for each in (start, stop)], dtype=float)
    is_log = is_log and (ends > 0).all()
    ends = np.log(ends) if is_log else ends
    value = ends[0] + fraction * (ends[1] - ends[0])
    value = np.exp(value) if is_log else value
    if isinstance(start, tuple):
        return Physics(**{name: tuple(value.tolist())})
    value = float(value)
    return Physics(**{name: replace(start, size=value) if isinstance(start, Scatter) else value})


class Measurement:
    """The network, its calibration, and domain tests of the profiles and of the embedding."""

    def __init__(self, n_fits):
        network = load_pretrained()
        self.profiles = RadialProfiles().fit(simulate(1, 0).data).transform
        self.embed, self.predict = network[:-1].transform, network[-1].predict_proba
        known = simulate(N_CALIBRATION, SEED)
        self.posterior = CrossSectionPosterior(network.classes_.tolist(), random_state=0).calibrate(
            network.predict_proba(known.data), known.target, known.groups
        )
        self.usual = {}  # medians and errors for the default physics
        self.fits = []
        for number in range(n_fits):
            held_out = simulate(N_HELD_OUT, SEED + 1 + number)
            self.fits.append(
                [
                    DomainTest(random_state=number).fit(
                        transform(held_out.data), held_out.target, held_out.groups
                    )
                    for transform in (self.profiles, self.embed)
                ]
            )

    def medians(self, embedding):
        """Return the median and the error of each sample in a pool, on the axis."""
        position = self.posterior._axis.position
        found = []
        for probabilities in np.split(self.predict(embedding), len(embedding) // COMPARED):
            self.posterior.fit(probabilities)
            low, high = position(np.minimum(self.posterior.interval(), self.posterior.grid_[-1]))
            found.append([position(self.posterior.median_), (high - low) / 2])
        return np.transpose(found)

    def pool(self, physics, number, seed, *, tested):
        """Return the mean shift in a pool, in errors, and the fractions of flagged samples if tested."""
        truth = (TRUTHS[number % len(TRUTHS)],)
        records = simulate(N_HALOS, seed + number, cross_sections=truth, physics=physics).data
        embedding = self.embed(records)
        if (truth, seed + number) not in self.usual:
            default = simulate(N_HALOS, seed + number, cross_sections=truth).data
            self.usual[truth, seed + number] = self.medians(self.embed(default))
        (moved, _), (usual, errors) = self.medians(embedding), self.usual[truth, seed + number]
        shift = float(((moved - usual) / errors).mean())
        if not tested:
            return [shift]
        features = self.profiles(records), embedding
        tests = self.fits[number % len(self.fits)]
        fractions = [flagged(test, each, [COMPARED])[1] for test, each in zip(tests, features, strict=True)]
        return [shift, *map(float, fractions), float(flagged_by_both(tests, features, [COMPARED])[0])]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n-pools", type=int, default=20, help="pools of 90 halos of each setting")
    parser.add_argument("--n-fits", type=int, default=4, help="fits to other halos; pools take turns")
    parser.add_argument("--output", type=Path, help="file to write the table to")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # of limits beyond the classes, rightly
    arguments.folder.mkdir(exist_ok=True)
    path = arguments.folder / "domain_power.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(line["name"], line["end"]): line for line in lines}
    measurement = Measurement(arguments.n_fits)
    settings = [(each.name, end) for each in parameters() if not is_of_feedback(each.name) for end in ENDS]
    for row, (name, end) in enumerate(tqdm(settings, unit="setting")):
        if (name, end) in done:
            continue
        numbers = range(len(TRUTHS))
        at_end = [
            measurement.pool(physics_at(name, end), number, SEED + 100, tested=False)[0] for number in numbers
        ]
        line = {"name": name, "end": end, "at_end": float(np.mean(at_end))}
        if abs(line["at_end"]) > 1:
            line["fraction"] = 1 / abs(line["at_end"])
            physics, seed = towards(name, end, line["fraction"]), SEED + 1000 * (1 + row)
            line["pools"] = [
                measurement.pool(physics, number, seed, tested=True) for number in range(arguments.n_pools)
            ]
        done[name, end] = line
        with path.open("a") as file:
            print(json.dumps(line), file=file)
    table = lay_out([line for line in done.values() if "pools" in line])
    print(table)
    if arguments.output is not None:
        arguments.output.write_text(table + "\n", encoding="utf-8")


def shown(value):
    """Format the value of a parameter."""
    if isinstance(value, tuple):
        return " to ".join(map(shown, value))
    return f"± {value.size:.3g}" if isinstance(value, Scatter) else f"{value:.4g}"


def lay_out(lines):
    """Return the table, with the settings that are flagged most often first."""
    rows = [
        "| parameter | default | changed to | shift, in errors | profiles | embedding | both |",
        "|---" * 7 + "|",
    ]
    for line in sorted(lines, key=lambda each: -np.mean(each["pools"], axis=0)[-1]):
        pools = np.array(line["pools"])
        mean, error = pools.mean(axis=0), pools.std(axis=0, ddof=1) / np.sqrt(len(pools))
        moved = towards(line["name"], line["end"], line["fraction"])
        shift = f"{mean[0]:+.1f} ± {error[0]:.1f}"
        fractions = [
            f"{100 * each:.0f} ± {100 * of:.0f} %" for each, of in zip(mean[1:], error[1:], strict=True)
        ]
        cells = (
            f"`{line['name']}`",
            *(shown(getattr(each, line["name"])) for each in (Physics(), moved)),
            shift,
            *fractions,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
