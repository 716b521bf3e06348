"""Tables: any file or frame comes in here and is a Polars frame from then on."""

from normwise.tables.atomic import atomic_path
from normwise.tables.batches import batches
from normwise.tables.collect import collect
from normwise.tables.content_hash import content_hash, file_hash
from normwise.tables.frame import as_frame
from normwise.tables.infer import LEADING_ZERO, MISSING_WORDS, infer_column, present_text
from normwise.tables.lazy_quantiles import lazy_quantiles
from normwise.tables.lazy_statistics import lazy_statistics
from normwise.tables.like import like
from normwise.tables.read import FORMATS, read_table
from normwise.tables.scan import scan_table
from normwise.tables.sink import sink_table
from normwise.tables.statistics import column_statistics
from normwise.tables.transform import transform_table
from normwise.tables.write import check_writable, write_table

__all__ = [
    "FORMATS",
    "LEADING_ZERO",
    "MISSING_WORDS",
    "as_frame",
    "atomic_path",
    "batches",
    "check_writable",
    "collect",
    "column_statistics",
    "content_hash",
    "file_hash",
    "infer_column",
    "lazy_quantiles",
    "lazy_statistics",
    "like",
    "present_text",
    "read_table",
    "scan_table",
    "sink_table",
    "transform_table",
    "write_table",
]
