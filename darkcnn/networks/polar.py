"""Polar network, invariant under rotations and reflections of the map."""

import keras
from keras import ops

from darkcnn.networks.head import classify
from darkcnn.networks.layers import MOMENTUM, Dropout, check_width, map_input, scaled
from darkcnn.networks.recipe import Recipe
from darkcnn.networks.rings import RingConv, Rings, StandardiseRings


@Recipe(
    {"epochs": 48, "learning_rate": 2e-3, "learning_rate_schedule": "cosine", "weight_decay": 0.1},
    invariant=True,
)
def polar(input_shape, n_classes, *, n_attributes=0, n_radii=20, n_angles=16, width=1.0, dropout=0.3):
    """Build the polar network, invariant under rotations and reflections by construction.

    Maps are resampled onto (radius, angle) about the centre of the cluster, where a rotation is a cyclic
    shift along the rings and a reflection reverses them. Convolutions are cyclic and symmetric in angle, and
    the mean, maximum and standard deviation over each ring are invariant under both. Data augmentation with
    rotated and flipped copies is not needed.

    Logits are invariant, to rounding, under reflections and rotations of the map by multiples of 90°, and of
    the rings by multiples of 360° / `n_angles`; other rotations are limited by the pixel size.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and number of channels of the maps. Maps must be square and contain the logarithm of
        surface density or brightness, standardised (mean 0, variance 1).
    n_classes : int
        Number of classes.
    n_attributes : int, default=0
        Number of cluster attributes (redshift, ...), see :func:`darkcnn.networks.head.classify`.
    n_radii : int, default=20
        Number of rings, logarithmically spaced in radius.
    n_angles : int, default=16
        Number of points on each ring, a multiple of 4.
    width : float, default=1.0
        Factor by which the numbers of channels are multiplied.
    dropout : float, default=0.3
        Dropout rate.

    Returns
    -------
    keras.Model
        Network from maps (and attributes) to logits of shape (n_samples, n_classes).

    Notes
    -----
    With a few hundred halos the network overfits without weight decay. ``polar.recipe`` contains parameters
    tuned on mock clusters.

    With that recipe and 2,880 mock maps of 100 × 100 pixels (240 halos at 4 redshifts in 3 dark-matter
    models), its accuracy on the maps of 150 other halos is 80.2 ± 1.3 % (baseline: 76.0 ± 1.3 %)
    (:doc:`/benchmarks/accuracy`).

    Examples
    --------
    >>> from darkcnn.networks import get_network
    >>> get_network("polar")((50, 50, 3), n_classes=3).get_layer("rings").output.shape
    (None, 20, 16, 3)
    """
    check_width(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    # In float32 under any policy: half precision can neither number the pixels of a map nor sum many batches.
    dtype = keras.config.floatx()
    x = Rings(n_radii, n_angles, name="rings", dtype=dtype)(maps)  # 20 x 16 x 3: radii, angles, channels
    x = StandardiseRings(dtype=dtype)(x)
    for _ in range(2):
        x = normalise_and_activate(RingConv(scaled(16, width))(x))  # 20 x 16 x 16
    x = pool_angles(x)  # 20 x 48
    x = keras.layers.Conv1D(scaled(32, width), 3, padding="same", use_bias=False)(x)
    x = normalise_and_activate(x)  # 20 x 32
    x = Dropout(dropout)(keras.layers.Flatten()(x))  # 640
    x = keras.layers.Dense(scaled(64, width), activation="silu")(x)  # 64
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="polar")


def normalise_and_activate(x):
    """Apply batch normalisation and a SiLU activation."""
    return keras.layers.Activation("silu")(keras.layers.BatchNormalization(momentum=MOMENTUM)(x))


def pool_angles(x):
    """Return the mean, maximum and standard deviation over each ring."""
    # The features have a variance of order one; without the constant the gradient is infinite on a round map.
    scatter = ops.sqrt(ops.var(x, axis=2) + 1e-3)
    return keras.layers.Concatenate()([ops.mean(x, axis=2), ops.max(x, axis=2), scatter])
