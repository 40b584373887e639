"""Typed columns of a later file, brought to the storage that an earlier file settled."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ml_engineer.vocabulary.data import StorageType

__all__ = ["coerce"]


def coerce(values: pa.ChunkedArray, storage: StorageType) -> pa.ChunkedArray:
    """`values` (int64, float64, bool or timestamp) as `storage`; null where that means nothing.

    A whole number becomes the text that a file would hold ('5', not '5.0'), 1 and 0 become truth values, and a time
    stamp is no number.
    """
    if storage == "string":
        return _as_text(values)
    is_stamp = pa.types.is_timestamp(values.type)
    if storage == "datetime":
        return values if is_stamp else _nothing(values, pa.timestamp("us"))
    if is_stamp:
        return _nothing(values, pa.bool_() if storage == "boolean" else pa.float64())
    if storage == "boolean" and not pa.types.is_boolean(values.type):
        numbers = values.cast(pa.float64(), safe=False)
        known = pc.is_in(numbers, value_set=pa.array([0.0, 1.0]))
        return pc.if_else(known, pc.equal(numbers, 1.0), pa.scalar(None, pa.bool_()))
    if storage != "boolean" and pa.types.is_boolean(values.type):
        return values.cast(pa.int64())
    return values


def _nothing(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(len(values), kind)])


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, pa.scalar("True"), pa.scalar("False"))
    if pa.types.is_timestamp(values.type):
        texts = pc.strftime(values, format="%Y-%m-%d %H:%M:%S")
        return pc.replace_substring_regex(texts, r" 00:00:00(\.0+)?$", "")
    if pa.types.is_floating(values.type):
        whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), 2.0**53))
        integers = pc.if_else(whole, values, pa.scalar(None, pa.float64())).cast(pa.int64(), safe=False)
        return pc.if_else(whole, integers.cast(pa.string()), values.cast(pa.string()))
    return values.cast(pa.string())
