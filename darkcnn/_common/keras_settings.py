"""Global settings of keras that the maps of this library do not fit."""

from darkcnn._common import quiet  # noqa: F401 - starts keras, without the messages of its backend

import keras  # isort: skip


def check_data_format():
    """Refuse the setting by which layers take the first axis of maps, their height, for channels."""
    data_format = keras.config.image_data_format()
    if data_format != "channels_last":
        raise ValueError(
            f"keras.config.image_data_format() must be 'channels_last', as the channels of maps are, got "
            f"{data_format!r}: call keras.config.set_image_data_format('channels_last')"
        )


def check_precision():
    """Return the name of the policy of precision, if networks can be trained under it."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy().name
    for setting, value, possible in (
        ("floatx", floatx, ("float32", "float64")),
        ("dtype_policy", policy, ("float32", "float64", "mixed_float16", "mixed_bfloat16")),
    ):
        if value not in possible:
            raise ValueError(f"keras.config.{setting}() must be one of {possible} to train in, got {value!r}")
    return policy
