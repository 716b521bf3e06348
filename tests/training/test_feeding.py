"""Every kind of data trains to the same weights as arrays of the same rows, and as `Model.fit` does."""

import math

import keras
import numpy as np
import polars as pl
import pytest
from tests.training.small_training import (
    FEATURES,
    ROWS,
    TARGET,
    WEIGHT,
    assert_same,
    small_arrays,
    small_model,
    small_table,
    trained,
)

import normwise
from normwise.core.errors import ColumnError, TableError
from normwise.training.buffers import ArrayRows, Stream, source_of
from normwise.training.keras_trainer import EpochBatches

BATCH = 32


@pytest.fixture(scope="module")
def of_arrays():
    x, y, _ = small_arrays()
    found = trained(x, y)
    assert_same(found, trained(x, y, by_keras=True))
    return found


class Batches(keras.utils.PyDataset):
    """The small table's batches, in order."""

    def __len__(self):
        return math.ceil(ROWS / BATCH)

    def __getitem__(self, index):
        x, y, _ = small_arrays()
        return x[BATCH * index : BATCH * (index + 1)], y[BATCH * index : BATCH * (index + 1)]


def generator():
    while True:
        yield from (Batches()[i] for i in range(len(Batches())))


def arrow():
    return pytest.importorskip("pyarrow") and small_table().to_arrow()


def pandas():
    pytest.importorskip("pandas")
    frame = small_table()
    return __import__("pandas").DataFrame({name: frame[name].to_numpy() for name in frame.columns})


FRAMES = {
    "polars": lambda: (small_table().select(FEATURES), small_table()[TARGET]),
    "polars, y a frame": lambda: (small_table().select(FEATURES), small_table().select(TARGET)),
    "polars by name": lambda: (small_table().drop(WEIGHT), TARGET),
    "pandas": lambda: (pandas()[list(FEATURES)], pandas()[TARGET]),
    "pandas by name": lambda: (pandas().drop(columns=WEIGHT), TARGET),
    "pyarrow": lambda: (arrow().select(FEATURES), arrow().column(TARGET)),
    "pyarrow by name": lambda: (arrow().drop_columns(WEIGHT), TARGET),
    "polars, lazy": lambda: (small_table().drop(WEIGHT).lazy(), TARGET),
    "float64": lambda: (small_arrays()[0].astype(np.float64), small_arrays()[1]),
    "columns after columns": lambda: (np.asfortranarray(small_arrays()[0]), small_arrays()[1]),
    "jax": lambda: tuple(map(keras.ops.convert_to_tensor, small_arrays()[:2])),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_and_arrays(kind, of_arrays):
    assert_same(trained(*FRAMES[kind]()), of_arrays)


@pytest.mark.parametrize("kind", ["dataset", "generator"])
def test_datasets_and_generators(kind, of_arrays):
    data = Batches() if kind == "dataset" else generator()
    found = trained(data, batch_size=None, steps_per_epoch=len(Batches()) if kind == "generator" else None)
    assert_same(found, of_arrays)


def test_a_torch_data_loader(of_arrays):
    data = pytest.importorskip("torch.utils.data")
    import torch

    x, y, _ = small_arrays()
    loader = data.DataLoader(data.TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=BATCH)
    assert_same(trained(loader, batch_size=None), of_arrays)


def test_a_tf_data_set(of_arrays):
    tf = pytest.importorskip("tensorflow")
    x, y, _ = small_arrays()
    assert_same(trained(tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH), batch_size=None), of_arrays)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_a_memory_mapped_file_is_cast_as_keras_casts_it(tmp_path, dtype, shuffle):
    x, y, _ = small_arrays()
    values = (50 * abs(x)).astype(dtype) + np.array(1 / 3).astype(dtype)
    mapped = np.memmap(tmp_path / "x", dtype=dtype, mode="w+", shape=x.shape)
    mapped[:] = values
    found = trained(mapped, y, shuffle=shuffle)
    assert_same(found, trained(values, y, shuffle=shuffle, by_keras=True))


def test_no_copy_is_made_of_a_whole_array():
    x = np.memmap("/dev/zero", dtype=np.float64, mode="r", shape=(10_000, 3))
    batches = EpochBatches(x=x, y=np.zeros(10_000), batch_size=50)
    source = source_of(batches)
    assert isinstance(source, ArrayRows)
    assert source.arrays[0][0] is batches.data_adapter._inputs[0]
    assert np.shares_memory(source.arrays[0][0], x)
    stacked = source.stack([slice(0, 50), slice(50, 100)], 4)
    assert [leaf.shape for leaf in stacked] == [(4, 50, 3), (4, 50)]
    assert [leaf.dtype for leaf in stacked] == [np.float32, np.float32]


def test_stacked_batches_begin_where_the_device_takes_them_without_a_copy():
    x, y, _ = small_arrays()
    rows = source_of(EpochBatches(x=x, y=y, batch_size=BATCH))
    stream = source_of(EpochBatches(x=Batches()))
    assert isinstance(stream, Stream)
    given = [rows.stack([np.arange(32), np.arange(32)], 3), stream.stack([Batches()[0], Batches()[1]], 3)]
    for leaf in [leaf for stacked in given for leaf in stacked]:
        assert leaf.ctypes.data % 64 == 0


def test_several_inputs_may_be_frames():
    inputs = keras.Input((1,), name="a"), keras.Input((2,), name="b")
    joined = keras.layers.Concatenate()(list(inputs))
    frame, (x, y, _) = small_table(), small_arrays()

    def weights(fit, data):
        keras.utils.set_random_seed(1)
        model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(joined))
        model.compile("sgd", "mse")
        fit(model, data, y, batch_size=BATCH, verbose=0)
        return model.get_weights()

    ours = weights(normwise.fit, {"a": frame.select("a"), "b": frame.select("b", "c")})
    for found, expected in zip(ours, weights(keras.Model.fit, {"a": x[:, :1], "b": x[:, 1:]}), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_validation_data_and_split_of_frames():
    x, y, _ = small_arrays()
    frame = small_table().drop(WEIGHT)
    assert_same(trained(frame, TARGET, validation_split=0.2), trained(x, y, validation_split=0.2))
    held_out = trained(x, y, validation_data=(x[:50], y[:50]))
    assert_same(trained(frame, TARGET, validation_data=(frame.head(50), TARGET)), held_out)


def test_text_is_named():
    frame = small_table().with_columns(city=pl.lit("Oslo"))
    for data in ((frame.drop(TARGET, WEIGHT), frame[TARGET]), (frame.drop(WEIGHT), TARGET)):
        with pytest.raises(ColumnError) as raised:
            normwise.fit(small_model(), *data, verbose=0)
        assert 'the columns "city" are not numbers, but "String"' in str(raised.value)


def test_a_missing_value_in_a_frame_is_named_with_its_row():
    frame = small_table().with_row_index().drop(WEIGHT)
    missing = frame.with_columns(b=pl.when(pl.col("index") == 41).then(None).otherwise("b")).drop("index")
    with pytest.raises(ColumnError) as raised:
        normwise.fit(small_model(), missing, TARGET, verbose=0)
    assert str(raised.value).startswith('column "b" is null in row 41 (counted from 0). Expected a number')


def test_a_name_without_a_table():
    x, _, _ = small_arrays()
    with pytest.raises(TableError) as raised:
        normwise.fit(small_model(), x, "target", verbose=0)
    assert str(raised.value).startswith('"target" names a column, and x is a ndarray, which has none.')


def test_an_array_beside_a_table():
    _, _, weight = small_arrays()
    with pytest.raises(TableError) as raised:
        normwise.fit(small_model(), small_table(), TARGET, sample_weight=weight, verbose=0)
    assert str(raised.value).startswith("x is a table and sample_weight is a ndarray. Expected the name")
