"""Global settings of keras that the maps of this library do not fit."""

import keras


def check_data_format():
    """Refuse the setting by which layers take the first axis of maps, their height, for channels."""
    data_format = keras.config.image_data_format()
    if data_format != "channels_last":
        raise ValueError(
            f"keras.config.image_data_format() must be 'channels_last', as the channels of maps are, got "
            f"{data_format!r}: call keras.config.set_image_data_format('channels_last')"
        )
