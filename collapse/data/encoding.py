"""Text from the bytes of a user's file, or one line that says why it is none."""

from collapse.data.errors import DataError


def decoded(where: str, raw: bytes) -> str:
    """The UTF-8 text of a file, without its byte order mark.

    Args:
      where: the file, for the message.
      raw: its bytes.

    Raises:
      DataError: naming the first byte that is not UTF-8 text, and its offset from 0.
    """
    if (zero := raw.find(b"\0")) >= 0:
        kind = "UTF-16? " if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise DataError(
            f"{where}: not text: a zero byte at offset {zero}; {kind}save it as UTF-8"
        )
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{where}: not UTF-8: byte 0x{raw[error.start]:02x} at offset "
            f"{error.start}, line {line}; save it as UTF-8"
        ) from None
