"""Arrow columns of another type than the contract's, converted where no value is lost."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def exactly(values: "pa.ChunkedArray", target: "pa.DataType") -> "pa.ChunkedArray":
    """The values in the target type; null where one does not fit it as it is."""
    import pyarrow as pa

    try:
        return values.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        converted = [_one(value, target) for value in values]
        return pa.chunked_array([pa.array(converted, target)])


def _one(value: "pa.Scalar", target: "pa.DataType") -> object:
    import pyarrow as pa

    try:
        return value.cast(target).as_py()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
