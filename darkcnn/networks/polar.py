"""A network that no rotation or reflection of the map can change, by construction."""

import keras
from keras import ops

from darkcnn.networks.head import classify
from darkcnn.networks.layers import MOMENTUM, check_width, map_input, scaled
from darkcnn.networks.recipe import Recipe
from darkcnn.networks.rings import RingConv, Rings, StandardiseRings


@Recipe(
    {"epochs": 48, "learning_rate": 2e-3, "learning_rate_schedule": "cosine", "weight_decay": 0.1},
    invariant=True,
)
def polar(input_shape, n_classes, *, n_attributes=0, n_radii=20, n_angles=16, width=1.0, dropout=0.3):
    """Build a network on rings about the centre of the cluster.

    Self-interactions of dark matter are isotropic. The maps are resampled once onto (radius, angle): a
    rotation is then a cyclic shift along the rings and a reflection their reversal. Convolutions that are
    cyclic and symmetric in angle commute with both, and the mean, maximum and scatter over each ring depend
    on neither. No rotated or flipped copies are needed, in training or in prediction.

    The logits are the same, to rounding, for maps turned by multiples of 90° or flipped, and for rings turned
    by multiples of 360° / `n_angles`; for angles in between as nearly as the pixels can tell.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and number of channels of the maps, which must be square and hold the logarithm of
        surface density or brightness; expected standardised (mean 0, variance 1).
    n_classes : int
        Number of classes.
    n_attributes : int, default=0
        Number of attributes of each cluster, see :func:`darkcnn.networks.head.classify`.
    n_radii : int, default=20
        Number of rings, evenly spaced in the logarithm of their radius.
    n_angles : int, default=16
        Number of points on each ring, a multiple of 4.
    width : float, default=1.0
        Multiplies the number of channels of every convolution.
    dropout : float, default=0.3
        Fraction of features hidden at each step of the training.

    Returns
    -------
    keras.Model
        From maps, or maps and attributes, to logits of shape (n_samples, n_classes).

    Notes
    -----
    With a few hundred halos the network overfits; weight decay prevents that. ``polar.recipe`` holds the
    parameters that were found by trial on mock clusters.

    With that recipe and 2,880 mock maps of 100 × 100 pixels (240 halos at 4 redshifts in 3 dark-matter
    models), it is right on 80.2 ± 1.3 % of the maps of 150 other halos, the baseline on 76.0 ± 1.3 %
    (:doc:`/benchmarks/accuracy`).

    Examples
    --------
    >>> from darkcnn.networks import get_network
    >>> get_network("polar")((50, 50, 3), n_classes=3).get_layer("rings").output.shape
    (None, 20, 16, 3)
    """
    check_width(width)
    maps = map_input(input_shape)  # 100 x 100 x 3
    # Whatever the policy: half precision can neither number the pixels of a map nor sum over many batches.
    dtype = keras.config.floatx()
    x = Rings(n_radii, n_angles, name="rings", dtype=dtype)(maps)  # 20 x 16 x 3: radii, angles, channels
    x = StandardiseRings(dtype=dtype)(x)
    for _ in range(2):
        x = normalise_and_activate(RingConv(scaled(16, width))(x))  # 20 x 16 x 16
    x = pool_angles(x)  # 20 x 48
    x = keras.layers.Conv1D(scaled(32, width), 3, padding="same", use_bias=False)(x)
    x = normalise_and_activate(x)  # 20 x 32
    x = keras.layers.Dropout(dropout)(keras.layers.Flatten()(x))  # 640
    x = keras.layers.Dense(scaled(64, width), activation="silu")(x)  # 64
    return classify(maps, x, n_classes, n_attributes=n_attributes, dropout=dropout, name="polar")


def normalise_and_activate(x):
    """Normalise over the batch and activate, with a function smoother than the other networks'."""
    return keras.layers.Activation("silu")(keras.layers.BatchNormalization(momentum=MOMENTUM)(x))


def pool_angles(x):
    """Return the mean, maximum and scatter over each ring, which do not depend on where the ring begins."""
    # The features have a variance of order one; without the constant the gradient is infinite on a round map.
    scatter = ops.sqrt(ops.var(x, axis=2) + 1e-3)
    return keras.layers.Concatenate()([ops.mean(x, axis=2), ops.max(x, axis=2), scatter])
