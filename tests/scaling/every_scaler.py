"""Every scaler there is, by a name; the tests of one concern each run them all."""

from normwise.scaling import (
    ColumnScaler,
    MaxAbsScaler,
    MinMaxScaler,
    PowerScaler,
    QuantileScaler,
    RobustScaler,
    StandardScaler,
)


def columns():
    return ColumnScaler({0: MinMaxScaler((-1, 1)), -1: MaxAbsScaler()}, default=StandardScaler(clip=4.0))


def columns_of_all():
    return ColumnScaler({0: QuantileScaler(20), 1: PowerScaler()}, default=RobustScaler())


AFFINE = {
    "standard": StandardScaler,
    "min-max": lambda: MinMaxScaler((2, 4)),
    "max-abs": MaxAbsScaler,
    "robust": RobustScaler,
}
BENT = {
    "uniform": QuantileScaler,
    "normal": lambda: QuantileScaler(output="normal"),
    "yeo-johnson": PowerScaler,
    "log1p": lambda: PowerScaler("log1p"),
}
EACH = {**AFFINE, **BENT}
ALL = {**EACH, "columns": columns, "columns-of-all": columns_of_all}
MERGEABLE = {name: AFFINE[name] for name in ("standard", "min-max", "max-abs")} | {"columns": columns}
SKETCHED = {
    "robust": RobustScaler,
    "uniform": lambda: QuantileScaler(50),
    "normal": lambda: QuantileScaler(50, output="normal"),
    "columns-of-quantiles": lambda: ColumnScaler({0: RobustScaler()}, default=QuantileScaler(50)),
}
