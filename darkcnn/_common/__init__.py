"""Private helpers for all rooms."""
