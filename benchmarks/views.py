"""Views: how fast they are drawn, and what memory a fit takes with more of them.

The rival is the published code's way to augment: rotate each channel with a cubic spline into a larger image,
crop it, stack the channels. Run as ``python benchmarks/views.py``; it prints two tables in Markdown.
"""

import argparse
import subprocess
import sys
import time

import numpy as np
from scipy.ndimage import rotate

from darkcnn.preprocessing import RotationFlipAugmenter

MEMORY_CODE = """
import resource, sys
import numpy as np
from darkcnn import DarkCNNClassifier, RotationFlipAugmenter
n_views = int(sys.argv[1])
X = np.random.default_rng(0).random((1000, 50, 50, 3), dtype=np.float32)
y = np.arange(1000) % 4
views = RotationFlipAugmenter(n_views, random_state=0).fit_transform(X)
classifier = DarkCNNClassifier("simple", epochs=1, random_state=0, network_options={"width": 0.25})
classifier.fit(views, y)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def spline_views(X, n_views, rng):
    """Draw views as the published code does."""
    n_pixels = X.shape[1]
    views = []
    for image in X:
        for _ in range(n_views):
            angle, flipped = rng.uniform(0, 360), image if rng.random() > 0.5 else image[::-1]
            channels = []
            for channel in range(X.shape[-1]):
                turned = rotate(flipped[..., channel], angle)
                start = turned.shape[0] // 2 - n_pixels // 2
                channels.append(turned[start : start + n_pixels, start : start + n_pixels])
            views.append(np.dstack(channels))
    return np.array(views)


def our_views(X, n_views, seed):
    """Draw views through the transformer."""
    return np.asarray(RotationFlipAugmenter(n_views, random_state=seed).fit_transform(X))


def speed(n_pixels, n_maps=100, n_views=10, n_repeats=5):
    """Return views per second of both, the median of alternating runs."""
    rng = np.random.default_rng(0)
    X = rng.random((n_maps, n_pixels, n_pixels, 3), dtype=np.float32)
    rates = {"spline": [], "darkcnn": []}
    for repeat in range(n_repeats):
        for name, draw in (
            ("spline", lambda: spline_views(X[: n_maps // 10], n_views, rng)),
            ("darkcnn", lambda: our_views(X, n_views, repeat)),  # noqa: B023 - called at once
        ):
            start = time.perf_counter()
            n_drawn = draw().shape[:-3]
            rates[name].append(np.prod(n_drawn) / (time.perf_counter() - start))
    return {name: float(np.median(values)) for name, values in rates.items()}


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-memory", action="store_true", help="skip the second table")
    arguments = parser.parse_args()
    print("| maps | spline, views/s | darkcnn, views/s | ratio |\n|---|---|---|---|")
    for n_pixels in (50, 100):
        rates = speed(n_pixels)
        ratio = rates["darkcnn"] / rates["spline"]
        print(
            f"| {n_pixels} x {n_pixels} x 3 | {rates['spline']:.0f} | {rates['darkcnn']:.0f} | {ratio:.1f} |"
        )
    if arguments.no_memory:
        return
    print("\n| n_views | peak memory of one fit on 1,000 maps of 50 x 50 x 3, MB |\n|---|---|")
    for n_views in (1, 4, 32):
        output = subprocess.check_output([sys.executable, "-c", MEMORY_CODE, str(n_views)], text=True)
        print(f"| {n_views} | {float(output):.0f} |")


if __name__ == "__main__":
    main()
