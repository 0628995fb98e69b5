"""Scale: memory and speed on databases larger than memory, beside a bare ``keras.Model.predict``.

Simulates clusters to disk, trains on them for an epoch and predicts, each in a process of its own. Prints
Markdown; ``--output FILE`` writes it.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import keras
import numpy as np

from darkcnn import default_pipeline
from darkcnn.datasets import load_clusters, make_clusters
from darkcnn.networks.head import classify
from darkcnn.networks.layers import convolve


def tiny(input_shape, n_classes, *, n_attributes=0, width=1.0, dropout=0.0):
    """Build a network so small that reading the maps is most of the work."""
    maps = keras.Input(input_shape, name="maps")
    x = convolve(maps, (8, 3), strides=2, width=width)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="tiny")


def pipeline(architecture):
    return default_pipeline(architecture, n_views=1, epochs=1, random_state=0)


def simulate(path, n_clusters, _):
    make_clusters(n_clusters // 16, path=path, random_state=0)


def fit(path, _, architecture):
    clusters = load_clusters(path, mmap=True)
    pipeline(architecture).fit(clusters.data, clusters.target)


def predict(path, _, architecture):
    clusters = load_clusters(path, mmap=True)
    model = pipeline(architecture).fit(clusters.data[:64], clusters.target[:64])
    start = time.perf_counter(), time.process_time()
    model.predict_proba(clusters.data)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def bare(path, n_clusters, architecture):
    """Return wall and CPU seconds of both: pipeline on the file, and its network on an array in memory."""
    clusters = load_clusters(path, mmap=True)
    rows = np.arange(n_clusters)
    model = pipeline(architecture).fit(clusters.data[:64], clusters.target[:64])
    views = model[:-1].transform(clusters.data[rows])
    maps = np.asarray(views).reshape(n_clusters, *views.shape[-3:])
    network = model[-1].model_
    network.predict(maps[:256], batch_size=256, verbose=0)
    model.predict_proba(clusters.data[:256])
    seconds = []
    for _ in range(3):
        for run in (
            lambda: model.predict_proba(clusters.data[rows]),
            lambda: network.predict(maps, batch_size=256, verbose=0),
        ):
            start = time.perf_counter(), time.process_time()
            run()
            seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return np.median(np.reshape(seconds, (3, 2, 2)), axis=0).tolist()


def run_case(case, path, n_clusters, architecture):
    """Run one case in a process of its own and return what it says."""
    command = [sys.executable, __file__, "--case", case, str(path), str(n_clusters), architecture]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(f"{case}, {n_clusters} clusters, {architecture}: {said}", file=sys.stderr)
    return json.loads(said.splitlines()[-1])


def peak_memory():
    """Return the largest resident size of this process in MB; getrusage starts from that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def child(case, path, n_clusters, architecture):
    network = tiny if architecture == "tiny" else architecture
    before = peak_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    result = {"simulate": simulate, "fit": fit, "predict": predict, "bare": bare}[case](
        path, int(n_clusters), network
    )
    report = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "result": result}
    report["megabytes"] = peak_memory() - before
    print(json.dumps(report))


def compression(source):
    """Return rows of a table: bytes and seconds of the records in chunks, by filter."""
    records = np.asarray(load_clusters(source, mmap=True).data[:2048])
    rows = []
    for name, filters in {
        "none, contiguous": {},
        "lzf": {"compression": "lzf"},
        "shuffle + lzf": {"shuffle": True, "compression": "lzf"},
        "shuffle + gzip 1": {"shuffle": True, "compression": "gzip", "compression_opts": 1},
        "shuffle + gzip 9": {"shuffle": True, "compression": "gzip", "compression_opts": 9},
    }.items():
        if filters:
            filters["chunks"] = (64,)
        with h5py.File.in_memory() as file:
            start = time.process_time()
            table = file.create_dataset("records", data=records, **filters)
            written = time.process_time()
            for _ in range(8):
                table[:]
            read = (time.process_time() - written) / 8
            size = table.id.get_storage_size() / records.nbytes
            some = np.random.default_rng(0).permutation(len(records))[:32]
            start_some = time.process_time()
            for row in some:
                table[row]
            drawn = (time.process_time() - start_some) / len(some)
        rows.append((name, f"{size:.2f}", f"{written - start:.2f}", f"{read:.2f}", f"{1e3 * drawn:.2f}"))
    return rows


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="multiples of 16")
    parser.add_argument("--n-compared", type=int, default=8192, help="clusters to compare with keras on")
    parser.add_argument(
        "--folder",
        type=Path,
        help="where the files go, to stay there; those that are there are not simulated",
    )
    parser.add_argument("--output", type=Path)
    parser.add_argument("--case", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        child(*options.case)
        return

    with TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        paths = {n_clusters: folder / f"clusters-{n_clusters}.h5" for n_clusters in options.sizes}
        memory = []
        for case in ("simulate", "fit", "predict"):
            for n_clusters, path in paths.items():
                if case == "simulate" and path.exists():
                    continue
                done = run_case(case, path, n_clusters, "tiny")
                cpu, wall = done["result"][::-1] if case == "predict" else (done["cpu"], done["wall"])
                memory.append(
                    (case, f"{n_clusters:,}", f"{done['megabytes']:.0f}", f"{cpu:.0f}", f"{wall:.0f}")
                )
        header = ("what", "clusters", "peak memory above import, MB", "CPU seconds", "seconds of the clock")
        text = table(header, memory)
        print(text, flush=True)
        source = paths[options.sizes[0]]
        speed = []
        for architecture in ("tiny", "simple", "polar", "inception"):
            n = options.n_compared // (16 if architecture == "inception" else 1)
            ours, theirs = run_case("bare", source, n, architecture)["result"]
            milliseconds = [f"{1e3 * cpu / n:.2f}" for _, cpu in (ours, theirs)]
            ratios = [f"{theirs[clock] / ours[clock]:.2f}" for clock in (1, 0)]
            speed.append((architecture, f"{n:,}", *milliseconds, *ratios))
        header = ("network", "clusters", "CPU ms a cluster, from the file", "bare")
        header += ("ratio of CPU time", "ratio of the clock")
        text += table(header, speed)
        print(text, flush=True)
        header = ("filter", "size", "write, s", "read all, s", "read one at random, ms")
        text += table(header, compression(source))
    print(text)
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
