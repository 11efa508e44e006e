"""Whether figures can be published where that is asked for."""

import contextlib
from pathlib import Path

from collapse.data.errors import InputError


def check_publish(folder: str) -> None:
    """Raise InputError if figures cannot be written to a folder; leaves no file there.

    Args:
      folder: as given; it need not be there yet.
    """
    data = Path(folder) / "data"
    missing: list[Path] = []
    try:
        missing += [path for path in (data, *data.parents) if not path.exists()]
        data.mkdir(parents=True, exist_ok=True)
        (data / ".writable").touch()
        (data / ".writable").unlink()
    except OSError as error:
        raise InputError(
            f"publish: {folder} cannot be written ({error.strerror}); give a folder"
        ) from None
    finally:
        for path in missing:  # they are made again once there is a figure
            with contextlib.suppress(OSError):
                path.rmdir()
