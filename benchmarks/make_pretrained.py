"""Train the network that is packaged: suites of mock clusters, rings about their centres, one set of weights.

    python benchmarks/make_pretrained.py FOLDER simulate train write

simulate
    Suites, each with physics, resolution and centring of its own (``Physics().draw``), cut into four groups:
    to train the network, to fit its last layer, to publish its scores, and to calibrate, for which the second
    and third group are used as well. Maps are kept as rings at every number of pixels,
    ``FOLDER/GROUP_NUMBER.npz``. Those that are there are not made again.
train
    The layers after the rings, on one number of pixels of each cluster, drawn anew in each epoch. In a third
    of the clusters the X-ray map, the stellar map or both are hidden, also from the search for the centre.
write
    The last layer, scores, calibration, reference rows and the card: the file
    ``darkcnn/pretrained/data/NAME.npz``. Its hash, which is printed, belongs into ``files.py`` there.
"""

import argparse
import hashlib
import json
from pathlib import Path

import cv2
import keras
import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

import darkcnn
from darkcnn._common.versions import versions
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import make_clusters
from darkcnn.inference import SuiteResponse
from darkcnn.networks import polar
from darkcnn.networks.rings import StandardiseRings
from darkcnn.pretrained.files import PretrainedFile, to_embedding
from darkcnn.pretrained.network import build_trained, embedding_model
from darkcnn.records import MAPS, cross_section_of
from darkcnn.simulation import N_PIXELS, Physics

NAME = "polar-1"
CROSS_SECTIONS = (0, 0.03, 0.06, 0.1, 0.17, 0.3, 0.5, 0.7, 1)
PUBLISHED = (0, 0.1, 0.3, 1)
GROUPS = {"train": 300, "head": 60, "score": 40, "calibration": 200}  # suites
N_HALOS = 24
REDSHIFTS = (0, 0.125, 0.25, 0.375)
PIXELS = (100, 50, 25)
FLOOR = 1e-4
WIDTH = 2.0
EPOCHS = 12
BATCH = 64
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.1
STRETCH = 3.0  # of the directions to which the last layer responds; chosen on the score suites
KNOWN = np.array([(1, 1, 1), (1, 1, 0), (1, 0, 1), (1, 0, 0)], np.float32)  # which of MAPS a cluster shows
SHARE = (0.64, 0.12, 0.12, 0.12)
LEVEL = np.array([-1.17, -1.91, -2.20], np.float32)  # of log10 of the maps over their peak, as in MAPS
SCATTER = np.array([0.35, 0.80, 0.64], np.float32)


def scale_maps(maps):
    """Scale maps as the packaged network does."""
    return (np.log10(np.maximum(maps / maps.max(axis=(1, 2), keepdims=True), FLOOR)) - LEVEL) / SCATTER


def rings_of(maps, shown):
    """Resample maps of shape (n_samples, 100, 100, 3) onto rings, at every number of pixels.

    Hidden maps hold the mean of the others, so that these alone decide about the centre.
    """
    layer = polar((N_PIXELS, N_PIXELS, len(MAPS)), 2).get_layer("rings")
    rings = []
    for n_pixels in PIXELS:
        coarse = np.stack([cv2.resize(m, (n_pixels, n_pixels), interpolation=cv2.INTER_AREA) for m in maps])
        coarse = scale_maps(coarse)
        coarse[..., shown == 0] = coarse[..., shown == 1].mean(axis=-1, keepdims=True)
        layer.build(coarse.shape)
        rings.append(
            np.concatenate(
                [keras.ops.convert_to_numpy(layer(coarse[i : i + 128])) for i in range(0, len(coarse), 128)]
            )
        )
    return np.stack(rings, axis=1).astype(np.float16)


def simulate(group, suite, folder, seed):
    """Simulate one suite and write its rings."""
    path = folder / f"{group}_{suite:03d}.npz"
    if path.exists():
        return
    random_state = np.random.RandomState([seed, list(GROUPS).index(group), suite])
    physics = Physics().draw(random_state)
    cross_sections, redshifts = CROSS_SECTIONS, REDSHIFTS[suite % 4 :: 4]
    if group == "train":
        others = sorted(set(CROSS_SECTIONS) - set(PUBLISHED))
        cross_sections = sorted({*PUBLISHED, *random_state.choice(others, 2, replace=False)})
        redshifts = REDSHIFTS[suite % 2 :: 2]
    clusters = make_clusters(
        N_HALOS,
        cross_sections=cross_sections,
        redshifts=redshifts,
        n_pixels=N_PIXELS,
        physics=physics,
        random_state=random_state,
    )
    maps = np.stack([clusters.data[name] for name in MAPS], axis=-1)
    rings = np.stack([rings_of(maps, shown) for shown in KNOWN], axis=2)
    truth = np.array([cross_section_of(label) for label in clusters.target])
    with atomic_write(path) as temporary:
        np.savez(
            temporary,
            rings=rings,
            cross_section=truth,
            halo=clusters.groups,
            log_mass=clusters.data["log_mass"],
            redshift=clusters.data["redshift"],
        )


def load(group, folder):
    """Read the suites of a group: rings, classes, halos, suites.

    Rings have the shape (n_samples, n_pixels, n_choices, n_radii, n_angles, n_maps), for each choice of maps
    in `KNOWN`.
    """
    files = [np.load(path) for path in sorted(folder.glob(f"{group}_*.npz"))]
    rings = np.concatenate([each["rings"] for each in files])
    classes = np.concatenate(
        [np.searchsorted(CROSS_SECTIONS, each["cross_section"] - 1e-6) for each in files]
    )
    suites = np.repeat(np.arange(len(files)), [len(each["halo"]) for each in files])
    halos = np.concatenate([each["halo"] for each in files]) + 1000 * suites
    return rings, classes, halos, suites


class Batches(keras.utils.PyDataset):
    """Rings of each cluster at one number of pixels, some maps hidden, in an order drawn anew each epoch."""

    def __init__(self, rings, classes, seed):
        super().__init__()
        self.rings, self.classes, self.rng = rings, classes, np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.classes) // BATCH

    def on_epoch_end(self):  # noqa: D102
        n = len(self.classes)
        self.rows = self.rng.permutation(n)
        self.pixels = self.rng.integers(len(PIXELS), size=n)
        self.choices = self.rng.choice(len(KNOWN), size=n, p=SHARE)

    def __getitem__(self, index):
        rows = self.rows[index * BATCH : (index + 1) * BATCH]
        choices = self.choices[rows]
        rings = self.rings[rows, self.pixels[rows], choices].astype(np.float32)
        return rings * KNOWN[choices, None, None], self.classes[rows]


def train(folder, seed, verbose):
    """Train the layers after the rings; return the network, with the statistics of the rings in place."""
    rings, classes, *_ = load("train", folder)
    network = polar((PIXELS[0], PIXELS[0], len(MAPS)), len(CROSS_SECTIONS), width=WIDTH)
    standardise = next(layer for layer in network.layers if isinstance(layer, StandardiseRings))
    some = rings[::5, :, 0].astype(np.float32)
    mean, square = (values.mean(axis=(0, 1, 3), dtype=float)[:, None] for values in (some, some**2))
    standardise.set_weights([mean, square, np.float32(1)])
    deviation = np.sqrt(square - mean**2 + 1e-3)  # as the layer does
    for i in range(0, len(rings), 4096):
        rings[i : i + 4096] = (rings[i : i + 4096] - mean) / deviation
    body = keras.Model(standardise.output, network.output)
    batches = Batches(rings, classes, seed)
    n_steps = EPOCHS * len(batches)
    decay = WEIGHT_DECAY / (LEARNING_RATE * len(batches))
    body.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(LEARNING_RATE, n_steps),
            weight_decay=decay,
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    body.fit(batches, epochs=EPOCHS, callbacks=[keras.callbacks.TerminateOnNaN()], verbose=verbose)
    return network


def layers_after_rings(network):
    """Return the standardisation of the rings, as a function, and a model from standardised rings on."""
    standardise = next(layer for layer in network.layers if isinstance(layer, StandardiseRings))
    body = keras.Model(standardise.output, [network.layers[-1].input, network.output])

    def scaled(rings):
        return keras.ops.convert_to_numpy(standardise(rings.astype(np.float32)))

    return scaled, body


def embed(network, rings, known):
    """Return embedding and logits of rings at one number of pixels, some maps hidden."""
    scaled, body = layers_after_rings(network)
    parts = [
        body.predict_on_batch(scaled(rings[i : i + 512]) * known[i : i + 512, None, None])
        for i in range(0, len(rings), 512)
    ]
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def fit_head(network, folder, seed):
    """Fit the last layer on suites not trained on; return its coordinates, itself and the number of rows.

    Coordinates are a mean and a matrix, which standardise features and stretch the directions to which the
    layer responds. A ridge penalty in them is that of a classifier on standardised features joined by
    `STRETCH` times the scores of this layer: it hardly restrains a classifier that follows those scores.
    """
    rings, classes, *_ = load("head", folder)
    rng = np.random.default_rng(seed)
    features = []
    for number in range(len(PIXELS)):
        choices = rng.choice(len(KNOWN), size=len(classes), p=SHARE)
        shown = rings[np.arange(len(classes)), number, choices]
        features.append(embed(network, shown, KNOWN[choices])[0])
    scaler = StandardScaler()
    X = scaler.fit_transform(np.concatenate(features))
    head = LogisticRegression(C=0.1, max_iter=2000).fit(X, np.tile(classes, len(PIXELS)))
    responses = head.coef_ - head.coef_.mean(axis=0)
    values, vectors = np.linalg.eigh(np.eye(X.shape[1]) + STRETCH**2 * responses.T @ responses)
    stretch = (vectors * np.sqrt(values)) @ vectors.T
    head.coef_ = np.linalg.solve(stretch, head.coef_.T).T
    coordinates = {
        "embedding/mean": scaler.mean_,
        "embedding/matrix": stretch / scaler.scale_[:, np.newaxis],
    }
    return coordinates, head, len(X)


def scores(network, coordinates, head, folder):
    """Return accuracies on suites that nothing was fitted to, with errors from the scatter between suites."""
    rings, classes, _, suites = load("score", folder)
    rows = []
    for number, n_pixels in enumerate(PIXELS):
        for choice, shown in enumerate(KNOWN):
            known = np.broadcast_to(shown, (len(classes), len(MAPS)))
            X = to_embedding(coordinates, embed(network, rings[:, number, choice], known)[0])
            row = {
                "n_pixels": n_pixels,
                "maps": [name for name, is_shown in zip(MAPS, shown, strict=True) if is_shown],
            }
            for n_models, published in ((3, (0, 0.1, 1)), (4, PUBLISHED)):
                among = [CROSS_SECTIONS.index(each) for each in published]
                kept = np.isin(classes, among)
                guess = np.array(among)[head.decision_function(X[kept])[:, among].argmax(axis=1)]
                right = guess == classes[kept]
                by_suite = [right[suites[kept] == suite].mean() for suite in np.unique(suites)]
                error = np.std(by_suite, ddof=1) / np.sqrt(len(by_suite)) if len(by_suite) > 1 else None
                row[f"accuracy_{n_models}"] = [
                    round(float(np.mean(by_suite)), 3),
                    error and round(float(error), 3),
                ]
            rows.append(row)
    return rows


def responses(network, coordinates, folder):
    """Return how the embedding responds to the cross-section in suites held back, for every kind of maps."""
    groups = {group: load(group, folder) for group in ("head", "score", "calibration")}
    classes = np.concatenate([part[1] for part in groups.values()])
    halos, suites = (
        np.concatenate([1_000_000 * i + part[j] for i, part in enumerate(groups.values())]) for j in (2, 3)
    )
    arrays = {}
    for number, n_pixels in enumerate(PIXELS):
        for choice, shown in enumerate(KNOWN):
            parts = [rings[:, number, choice] for rings, *_ in groups.values()]
            known = np.broadcast_to(shown, (len(classes), len(MAPS)))
            X = to_embedding(coordinates, embed(network, np.concatenate(parts), known)[0])
            response = SuiteResponse(X, np.array(CROSS_SECTIONS)[classes], suites, halos)
            maps = [name for name, is_shown in zip(MAPS, shown, strict=True) if is_shown]
            prefix = f"calibration/{'+'.join(maps)}/{n_pixels}"
            arrays |= {f"{prefix}/{name}": each for name, each in response.to_arrays().items()}
    return arrays


def reference_maps():
    """Return maps of a few clusters, to be predicted by every later version alike."""
    clusters = make_clusters(2, cross_sections=(0, 0.3, 1), redshifts=(0.25,), n_pixels=25, random_state=9)
    return np.stack([clusters.data[name] for name in MAPS], axis=-1).astype(np.float16)


def write(folder, seed):
    """Write the file that is packaged."""
    with np.load(folder / "network.npz") as archive:
        weights = [archive[name] for name in archive.files]
    network = polar((PIXELS[0], PIXELS[0], len(MAPS)), len(CROSS_SECTIONS), width=WIDTH)
    network.set_weights(weights)
    coordinates, head, n_head = fit_head(network, folder, seed)
    card = {
        "architecture": "polar",
        "options": {"width": WIDTH},
        "maps": list(MAPS),
        "n_pixels": list(PIXELS),
        "cross_sections": [float(each) for each in CROSS_SECTIONS],
        "n_features": len(coordinates["embedding/mean"]),
        "n_head": n_head,
        "trained": {
            "suites": {group: len(list(folder.glob(f"{group}_*.npz"))) for group in GROUPS},
            "halos_of_each": N_HALOS,
            "epochs": EPOCHS,
            "seed": seed,
            "by": "python benchmarks/make_pretrained.py FOLDER simulate train write",
        },
        "scores": scores(network, coordinates, head, folder),
        "use": "Maps of 2 Mpc without noise, at redshifts from 0 to 0.375, of clusters of about 10^14 to "
        "10^15.5 solar masses: to predict, or as an embedding for the last layer of another simulation.",
        "limits": "All suites come from one mock generator, and a real simulation lies further off than they "
        "do from each other. Maps with noise are refused. Probabilities of clusters of another "
        "simulation need a calibration before they are combined.",
        "versions": versions(),
    }
    maps = reference_maps()
    arrays = {f"weights/{i:03d}": weight for i, weight in enumerate(weights)}
    arrays |= {
        "scaling/floor": np.float64(FLOOR),
        "scaling/level": LEVEL,
        "scaling/scatter": SCATTER,
        **{name: each.astype(np.float32) for name, each in coordinates.items()},
        "head/coef": head.coef_,
        "head/intercept": head.intercept_,
        "reference/maps": maps,
        "card": np.frombuffer(json.dumps(card).encode(), np.uint8),
    }
    arrays |= responses(network, coordinates, folder)
    model = embedding_model(build_trained(PretrainedFile(NAME, "", card, arrays), maps.shape[1]))
    features = model.predict_on_batch([scale_maps(maps.astype(np.float32)), np.ones((len(maps), len(MAPS)))])
    arrays["reference/probabilities"] = head.predict_proba(to_embedding(coordinates, features))
    path = Path(darkcnn.__file__).parent / "pretrained" / "data" / f"{NAME}.npz"
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    content = path.read_bytes()
    print(f"{path}: {len(content) / 1e6:.2f} MB, SHA-256 {hashlib.sha256(content).hexdigest()}")
    print(json.dumps(card["scores"], indent=1))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="+", choices=["simulate", "train", "write"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    weights = options.folder / "network.npz"
    if "simulate" in options.parts:
        tasks = [(group, suite) for group, n in GROUPS.items() for suite in range(n)]
        jobs = (delayed(simulate)(*task, options.folder, options.seed) for task in tasks)
        for _ in tqdm(
            Parallel(options.n_jobs, return_as="generator")(jobs),
            total=len(tasks),
            unit="suite",
        ):
            pass
    if "train" in options.parts:
        keras.utils.set_random_seed(options.seed)
        network = train(options.folder, options.seed, verbose=2)
        with atomic_write(weights) as temporary:
            np.savez(temporary, *network.get_weights())
    if "write" in options.parts:
        write(options.folder, options.seed)


if __name__ == "__main__":
    main()
