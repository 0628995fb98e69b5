"""Transfer and the number of suites: the packaged network, pretrained on fewer of them.

    python benchmarks/transfer_suites.py RESULTS RINGS --sizes 75 150 300

RINGS is the folder of ``make_pretrained.py`` with the suites, of which the first so many are trained on, with
the epochs of that script. The last layer is fitted to the same other suites. Of all suites, the network that
lies in RINGS is taken. Each network is tested as it is on suites that nothing was fitted to, and in
simulations of ``other_simulations.py``, with 50 pixels and all maps. It is a line of JSON in
``RESULTS/transfer_suites.jsonl``; those that are there are not repeated.
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from accuracy import markdown
from make_pretrained import CROSS_SECTIONS as TRAINED
from make_pretrained import GROUPS, KNOWN, PIXELS, WIDTH, embed, fit_head, load, scale_maps, train
from other_simulations import CROSS_SECTIONS, N_TEST, test_set

from darkcnn.networks import polar
from darkcnn.pretrained.files import to_embedding
from darkcnn.pretrained.network import embedding_model
from darkcnn.records import MAPS, label_of

TESTS = ("fiducial", "B2", "feedback")
N_PIXELS = 50
COLUMNS = [TRAINED.index(each) for each in CROSS_SECTIONS]


def trained_on(n_suites, rings, folder, seed):
    """Return a network trained on the first suites, linked into a folder, and its seconds."""
    names = [f"{group}_{number:03d}.npz" for group, n in GROUPS.items() for number in range(n)]
    for name in names:
        if not name.startswith("train") or int(name[6:9]) < n_suites:
            (folder / name).symlink_to(rings.absolute() / name)
    start = time.process_time()
    keras.utils.set_random_seed(seed)
    if n_suites < GROUPS["train"]:
        return train(folder, seed, verbose=2), time.process_time() - start
    network = polar((PIXELS[0], PIXELS[0], len(MAPS)), len(TRAINED), width=WIDTH)
    with np.load(rings / "network.npz") as archive:
        network.set_weights([archive[name] for name in archive.files])
    return network, None


def run(n_suites, rings, seed):
    """Train and test a network; return the fraction right of each suite, and of each halo."""
    with TemporaryDirectory() as folder:
        network, seconds = trained_on(n_suites, rings, Path(folder), seed)
        coordinates, head, _ = fit_head(network, Path(folder), seed)
        scored, classes, _, suites = load("score", Path(folder))

    def is_right(features, truth):
        scores = head.decision_function(to_embedding(coordinates, features))[:, COLUMNS]
        return scores.argmax(axis=1) == truth

    kept = np.isin(classes, COLUMNS)
    known = np.broadcast_to(KNOWN[0], (kept.sum(), len(MAPS)))
    features, _ = embed(network, scored[kept][:, PIXELS.index(N_PIXELS), 0], known)
    right = is_right(features, np.searchsorted(COLUMNS, classes[kept]))
    by_test = {"suites": [right[suites[kept] == suite].mean() for suite in np.unique(suites)]}
    coarse = polar((N_PIXELS, N_PIXELS, len(MAPS)), len(TRAINED), width=WIDTH)
    coarse.set_weights(network.get_weights())
    model, labels = embedding_model(coarse), [label_of(each) for each in CROSS_SECTIONS]
    for name in TESTS:
        records, target = test_set(name, N_PIXELS)
        maps = scale_maps(np.stack([records[each] for each in MAPS], axis=-1))
        features = model.predict([maps, np.ones((len(maps), len(MAPS)))], verbose=0)
        right = is_right(features, [labels.index(label) for label in target])
        by_test[name] = right.reshape(N_TEST, -1).mean(axis=1)
    right = {name: np.round(values, 5).tolist() for name, values in by_test.items()}
    return {"n_suites": n_suites, "seed": seed, "seconds": seconds, "right": right}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("rings", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=(75, 150, 300), help="suites")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    path = options.results / "transfer_suites.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for n_suites in options.sizes:
        if not any((line["n_suites"], line["seed"]) == (n_suites, options.seed) for line in lines):
            lines.append(run(n_suites, options.rings, options.seed))
            with path.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
    rows = [
        [line["n_suites"], line["seed"]]
        + [f"{np.mean(r):.3f} ± {np.std(r, ddof=1) / np.sqrt(len(r)):.3f}" for r in line["right"].values()]
        for line in sorted(lines, key=lambda line: (line["n_suites"], line["seed"]))
    ]
    print(markdown(["suites", "seed", "other suites", *TESTS], rows))


if __name__ == "__main__":
    main()
