"""A study on two dask workers, beside two processes of joblib's own engine.

Both run the same eight fits of the polar network, each with its processes started afresh and one
thread to a process. The script fails if a score differs in its last bit. Run as
``python benchmarks/cluster.py`` on two cores that have nothing else to do; it takes some minutes.
"""

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}

import joblib
import numpy as np
from distributed import Client, LocalCluster
from joblib.externals.loky import get_reusable_executor
from sklearn.model_selection import StratifiedGroupKFold

from darkcnn import default_pipeline, run_study
from darkcnn._common.writing import atomic_write
from darkcnn.datasets import load_example

AIM = 1.15


def study(clusters, epochs, folder):
    """Run the study, and return its scores."""
    results = run_study(
        default_pipeline("polar", epochs=epochs, random_state=0),
        clusters.data,
        clusters.target,
        groups=clusters.groups,
        cv=StratifiedGroupKFold(4, shuffle=True, random_state=0),
        param_grid={"cnn__weight_decay": [0.1, 1.0]},
        scoring="neg_log_loss",
        folder=folder,
        n_jobs=2,
    )
    return np.array([results[f"split{split}_test_score"] for split in range(4)])


def timed(engine, clusters, epochs):
    """Return seconds, processes and all, and scores."""
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        if engine == "dask":
            options = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None}
            with LocalCluster(**options) as cluster, Client(cluster), joblib.parallel_config("dask"):
                scores = study(clusters, epochs, folder)
        else:
            scores = study(clusters, epochs, folder)
            get_reusable_executor().shutdown()
    return time.perf_counter() - start, scores


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    clusters = load_example()
    seconds, scores = {"loky": [], "dask": []}, []
    for _ in range(options.repeats):
        for engine in seconds:
            elapsed, some_scores = timed(engine, clusters, options.epochs)
            seconds[engine].append(elapsed)
            scores.append(some_scores)
    if any((some_scores != scores[0]).any() for some_scores in scores):
        raise SystemExit("scores differ between the engines or between repeats")
    ratio = np.median(np.divide(seconds["dask"], seconds["loky"]))
    cells = [f"{np.median(values):.0f}" for values in seconds.values()]
    text = (
        "| fits | loky, two processes, s | dask, two workers, s | ratio | aim |\n|---|---|---|---|---|\n"
        f"| 8 | {cells[0]} | {cells[1]} | {ratio:.2f} | ≤ {AIM} |\n"
    )
    print(text)
    if options.output:
        with atomic_write(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
