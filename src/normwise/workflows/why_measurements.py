"""What `normwise.insight` measures for `why_table`: the one place where its functions are composed."""

from __future__ import annotations

import dataclasses

from normwise.core.measurement import Bowl, Curve, Measurement
from normwise.core.why_record import Variant
from normwise.workflows.why_data import WhyData
from normwise.workflows.why_variant import Trained


@dataclasses.dataclass(frozen=True)
class DataMeasured:
    """What was measured on the features and the linear model, raw and scaled."""

    measurements: tuple[Measurement, ...] = ()
    curves: tuple[Curve, ...] = ()
    bowls: tuple[Bowl, ...] = ()


def measure_data(data: WhyData) -> DataMeasured:
    """The measurements that need no network."""
    del data
    return DataMeasured()


def measure_variant(trained: Trained, data: WhyData) -> Variant:
    """The variant with what is measured on its network."""
    del data
    return trained.variant
