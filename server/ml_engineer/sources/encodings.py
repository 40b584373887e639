"""Text encodings: worked out from the bytes, and turned into UTF-8 while streaming."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import BinaryIO

from ml_engineer.sources.legacy_encodings import guess_legacy_encoding

__all__ = ["Encoding", "Utf8Stream", "detect_encoding", "reconsider_encoding"]

_MARKS = (
    # UTF-32 first: its little-endian mark begins like the one of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Encoding:
    """How bytes stand for characters.

    Parameters
    ----------
    name : str
        Python's name of the codec.
    mark : int
        Bytes of the byte order mark at the beginning of the file.
    guessed : bool
        Whether it rests on statistics rather than on a mark or on validity.
    """

    name: str
    mark: int = 0
    guessed: bool = False

    @property
    def label(self) -> str:
        """Name for the report."""
        return f"{self.name} with byte order mark" if self.mark else self.name


def detect_encoding(sample: bytes) -> Encoding | None:
    """The encoding of the text that begins with `sample`; none if this is no text."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Encoding(name, len(mark))
    if b"\x00" in sample:
        return _wide(sample)
    if _valid_utf8(sample):
        return None if _binary(sample) else Encoding("utf-8")
    return None if _binary(sample) else Encoding(guess_legacy_encoding(sample), guessed=True)


def reconsider_encoding(stream: BinaryIO) -> Encoding:
    """The encoding of a text that began like UTF-8 and is not: what fits around its first byte that is none.

    If other characters beyond ASCII came before and were UTF-8, then it is UTF-8 with damaged places.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    seen_beyond_ascii = False
    while block := stream.read(1 << 20):
        try:
            seen_beyond_ascii |= not decoder.decode(block).isascii()
        except UnicodeDecodeError as error:
            before = decoder.getstate()[0] + block[: error.start]
            around = block[max(error.start - (1 << 16), 0) : error.start + (1 << 16)]
            if seen_beyond_ascii or any(byte > 127 for byte in before[-(1 << 20) : -3]):
                break
            return Encoding(guess_legacy_encoding(around), guessed=True)
    return Encoding("utf-8", guessed=True)


def _valid_utf8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _binary(sample: bytes) -> bool:
    """Whether control characters that no text holds are frequent."""
    controls = sum(sample.count(bytes([code])) for code in (*range(9), 14, 15, 16, 17, 18, 19))
    return controls > 0.01 * len(sample)


def _wide(sample: bytes) -> Encoding | None:
    """UTF-16 without a mark has its zeros on one side; anything else with zeros is no text."""
    half = max(len(sample) // 2, 1)
    even, odd = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    if odd > 0.4 and even < 0.1:
        return Encoding("utf-16-le", guessed=True)
    if even > 0.4 and odd < 0.1:
        return Encoding("utf-16-be", guessed=True)
    return Encoding("utf-8") if max(even, odd) < 0.001 and _valid_utf8(sample) else None


class Utf8Stream(io.RawIOBase):
    """`stream` in another encoding, read as UTF-8.

    Parameters
    ----------
    stream : binary stream
        Stands where the text begins.
    encoding : str
        Its encoding.

    Attributes
    ----------
    replaced : int
        Characters that the encoding does not know, given as U+FFFD so far.
    """

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._pending = b""
        self._ended = False
        self.replaced = 0

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill `buffer` with UTF-8; 0 at the end."""
        view = memoryview(buffer)  # type: ignore[arg-type] # the base class has no type for "writable buffer" in 3.11
        while not self._pending and not self._ended:
            block = self._stream.read(1 << 20)
            self._ended = not block
            text = self._decoder.decode(block, final=self._ended)
            self.replaced += text.count("\ufffd")
            self._pending = text.encode("utf-8", errors="replace")
        size = min(len(view), len(self._pending))
        view[:size] = self._pending[:size]
        self._pending = self._pending[size:]
        return size

    def close(self) -> None:
        """Close the stream underneath too."""
        self._stream.close()
        super().close()
