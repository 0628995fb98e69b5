"""Checks of keras settings and processes in which networks cannot work."""

import os

from darkcnn._common import quiet  # noqa: F401 - starts keras, without the messages of its backend

import keras  # isort: skip

_process = None  # id of the process that built the first network


def check_data_format():
    """Check that the keras data format is channels-last."""
    data_format = keras.config.image_data_format()
    if data_format != "channels_last":
        raise ValueError(
            f"keras.config.image_data_format() must be 'channels_last', as the channels of maps are, got "
            f"{data_format!r}: call keras.config.set_image_data_format('channels_last')"
        )


def check_precision():
    """Check the keras precision settings and return the name of the dtype policy."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy().name
    for setting, value, possible in (
        ("floatx", floatx, ("float32", "float64")),
        ("dtype_policy", policy, ("float32", "float64", "mixed_float16", "mixed_bfloat16")),
    ):
        if value not in possible:
            raise ValueError(f"keras.config.{setting}() must be one of {possible} to train, got {value!r}")
    return policy


def check_process():
    """Raise an error in a process forked from one that used keras, where training would hang."""
    global _process
    if _process is None:
        _process = os.getpid()
    if _process != os.getpid():
        raise RuntimeError(
            "this process was forked from one that used keras, whose threads do not survive a fork; training "
            'would hang. Use the default backend of joblib, joblib.parallel_config("loky"), instead of '
            '"multiprocessing", or start processes with "spawn"'
        )
