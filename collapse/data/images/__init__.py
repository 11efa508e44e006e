"""Images: read from files, checked, and split; and a known law of images."""

from collapse.data.images.images import ImageData, load

__all__ = ["ImageData", "load"]
