"""Reading JSON and msgpack that anybody may have written: sound, or one kind of error.

msgspec says MsgspecError for what is no message, but lets Python's own errors through for text that
is not UTF-8 and for values nested without end. An engine must not die of either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")


def soundly(decode: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """`decode`, raising MsgspecError and nothing else for bytes that it cannot read."""

    def decoded(data: bytes) -> T:
        try:
            return decode(data)
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError(f"not UTF-8 text ({error.reason})") from None
        except RecursionError:
            raise msgspec.DecodeError("nested too deeply") from None

    return decoded
