"""Names of the maps. The help of the command needs them before anything imports NumPy."""

MAPS = ("total", "xray", "stellar")
"""The maps of a record, in the order of the channels of a plain array."""
