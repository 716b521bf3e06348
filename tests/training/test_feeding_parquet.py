"""Tables on disk: weights as from memory, every row once an epoch, faults named, nothing left running."""

import threading

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
from normwise.core.errors import ColumnError, NormwiseWarning, TableError
from normwise.tables import scan_table
from normwise.training import table_blocks, table_stream
from normwise.training.named_columns import NamedColumns
from normwise.training.table_blocks import blocks_of
from normwise.training.table_stream import TableStream


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Blocks of 28 rows, a buffer of 100 and chunks of two batches of 32, as if the table were large."""
    monkeypatch.setattr(table_blocks, "BLOCK_BYTES", 28 * (4 + 4 + 4 + 8))
    monkeypatch.setattr(table_stream, "SHUFFLE_BYTES", 100 * (3 * 4 + 8))
    monkeypatch.setattr("normwise.training.buffer_memory.BUFFER_BYTES", 2 * 32 * (3 * 4 + 8))
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "normwise reads ahead"] == []


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "table.parquet"
    small_table().drop(WEIGHT).write_parquet(path, row_group_size=70)
    return path


def stream(table, shuffle=True, batch_size=32, y=TARGET):
    blocks = blocks_of(table)
    return TableStream(blocks, NamedColumns.of(blocks.schema, y, None), batch_size, shuffle)


def epoch(stream):
    """The numbers of the rows in the order in which an epoch has them, by the feature "a"."""
    batches = [x[:, 0] for x, _ in stream.get_numpy_iterator()]
    assert all(len(batch) == stream.batch_size for batch in batches[:-1])
    assert len(batches) == stream.num_batches
    return np.rint(np.concatenate(batches) * ROWS).astype(int).tolist()


# The rows and their order -----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [32, 60])
def test_in_order_it_is_the_training_from_memory(file, batch_size):
    x, y, _ = small_arrays()
    assert_same(trained(file, TARGET, batch_size=batch_size), trained(x, y, batch_size=batch_size))


def test_a_batch_of_all_rows_and_more(file):
    x, y, _ = small_arrays()
    said = "batch_size=1000 is more than the 300 rows there are: every epoch is one step of 300 rows."
    with pytest.warns(NormwiseWarning, match=said):
        streamed = trained(file, TARGET, batch_size=1000)
    with pytest.warns(NormwiseWarning, match=said):
        in_memory = trained(x, y, batch_size=1000)
    assert_same(streamed, in_memory)


def test_a_pattern_a_list_a_lazy_frame_and_other_formats(tmp_path):
    x, y, _ = small_arrays()
    expected, frame = trained(x, y), small_table().drop(WEIGHT)
    for part, rows in enumerate((frame[:7], frame[7:200], frame[200:])):
        rows.write_parquet(tmp_path / f"{part}.parquet", row_group_size=50)
    frame.write_ipc(tmp_path / "all.arrow")
    parts = [tmp_path / f"{part}.parquet" for part in range(3)]
    for table in (
        str(tmp_path / "*.parquet"),
        parts,
        pl.scan_parquet(parts),
        scan_table(parts),
        tmp_path / "all.arrow",
    ):
        assert_same(trained(table, TARGET), expected)


@pytest.mark.parametrize("batch_size", [1, 32, 299, 300, 1000])
def test_shuffled_every_row_comes_once(file, batch_size):
    found = epoch(stream(file, batch_size=batch_size))
    assert sorted(found) == list(range(ROWS))
    assert found != list(range(ROWS))


@pytest.mark.parametrize("size", [1, 13, 300])
def test_whatever_the_row_groups(tmp_path, size):
    small_table().drop(WEIGHT).write_parquet(tmp_path / "a.parquet", row_group_size=size)
    assert sorted(epoch(stream(tmp_path / "a.parquet"))) == list(range(ROWS))


def test_the_order_is_another_each_epoch_and_follows_from_the_seed(file):
    def epochs():
        np.random.seed(3)
        data = stream(file)
        return [epoch(data), epoch(data)]

    first, second = epochs()
    assert first != second
    assert epochs() == [first, second]


def epochs_of(file, passes, between=lambda: None):
    """Three epochs of a stream that expects so many."""
    np.random.seed(3)
    data = stream(file)
    data.passes = passes
    found = []
    for _ in range(3):
        found.append(epoch(data))
        between()
    data.close()
    return found


@pytest.mark.parametrize("between", [lambda: None, np.random.rand], ids=["alone", "a number is drawn"])
def test_reading_ahead_changes_no_order(file, between):
    """Also where somebody else draws from the generator that the order follows from."""
    expected = epochs_of(file, 1, between)
    assert epochs_of(file, 3, between) == expected
    assert epochs_of(file, 7, between) == expected
    assert (epochs_of(file, 3) == expected) == (between is not np.random.rand)


def test_the_next_epoch_is_read_while_the_last_is_trained(file, monkeypatch):
    data, begun, read = stream(file), threading.Semaphore(0), table_blocks.ParquetBlocks.read

    def counted(*arguments):
        begun.release()
        return read(*arguments)

    monkeypatch.setattr(table_blocks.ParquetBlocks, "read", counted)
    data.passes = 2
    epoch(data)
    assert begun.acquire(timeout=20)
    assert begun.acquire(timeout=20)
    epoch(data)
    # Two epochs were expected, and no third is read.
    data.close()
    assert not begun.acquire(blocking=False)


def test_an_epoch_that_is_left_does_not_show_in_the_next(file):
    np.random.seed(3)
    expected = [epoch(stream(file)) for _ in range(2)][1]
    np.random.seed(3)
    data = stream(file)
    data.passes = 2
    next(data.row_batches())
    assert epoch(data) == expected
    data.close()


def test_rows_of_far_apart_row_groups_come_together(file):
    # The buffer holds 100 of the 300 rows, of blocks in random order.
    first = [row // 100 for row in epoch(stream(file))[:32]]
    assert len(set(first)) == 3


def test_shuffled_trainings_are_repeatable(file):
    found = trained(file, TARGET, shuffle=True)
    assert_same(trained(file, TARGET, shuffle=True), found)
    assert found[1] != trained(file, TARGET, shuffle=False)[1]


def test_epochs_of_some_steps_go_on_where_the_last_ended(file):
    x, y, _ = small_arrays()
    # Four epochs of 5 batches are two whole passes over its 10.
    found = trained(file, TARGET, epochs=4, steps_per_epoch=5)
    assert_same(found, trained(x, y, epochs=4, steps_per_epoch=5, by_keras=True))


def test_the_progress_bar_knows_the_end(file, capsys):
    normwise.fit(small_model(), file, TARGET, verbose=1)
    assert "10/10" in capsys.readouterr().out


# Targets, weights, validation -------------------------------------------------------------------------------


def test_sample_weights_and_class_weights(tmp_path):
    small_table().write_parquet(tmp_path / "a.parquet", row_group_size=70)
    x, y, weight = small_arrays()
    found = trained(tmp_path / "a.parquet", TARGET, sample_weight=WEIGHT)
    assert_same(found, trained(x, y, sample_weight=weight, by_keras=True))
    small_table().drop(WEIGHT).write_parquet(tmp_path / "b.parquet", row_group_size=70)
    found = trained(tmp_path / "b.parquet", TARGET, class_weight={0: 3.0})
    assert_same(found, trained(x, y, class_weight={0: 3.0}, by_keras=True))


@pytest.mark.parametrize("shape", ["integers", "column", "one-hot"])
def test_classes_are_read_as_keras_reads_them(shape):
    from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

    classes = np.random.default_rng(0).integers(0, 4, 50)
    y = {"integers": classes, "column": classes[:, None] * 1.0, "one-hot": np.eye(4)[classes]}[shape]
    weights = {0: 0.5, 2: 4.0, 3: 2.0}
    expected = class_weight_to_sample_weights(y, weights)
    np.testing.assert_array_equal(table_stream.class_weights(y, weights, np.float32), expected)


def test_validation_data(file, tmp_path):
    x, y, _ = small_arrays()
    expected = trained(x, y, validation_data=(x[:100], y[:100]))
    small_table().drop(WEIGHT)[:100].write_parquet(tmp_path / "held-out.parquet", row_group_size=30)
    assert_same(trained(file, TARGET, validation_data=(tmp_path / "held-out.parquet", TARGET)), expected)
    assert_same(trained(x, y, validation_data=(tmp_path / "held-out.parquet", TARGET)), expected)


def test_several_targets_and_none(file):
    both = stream(file, shuffle=False, y=["c", TARGET])
    x, y = next(both.get_numpy_iterator())
    both.close()
    assert both.columns.features == ("a", "b")
    np.testing.assert_array_equal(y, small_table().select("c", TARGET).to_numpy()[:32].astype(np.float32))
    assert (x.dtype, y.dtype) == (np.float32, np.float32)
    alone = stream(file, shuffle=False, y=None)
    assert next(alone.get_numpy_iterator()).shape == (32, 4)
    alone.close()


def test_integers_widen_and_targets_keep_their_type(tmp_path):
    frame = pl.DataFrame({"n": [1, 2**24 + 1, 3], "flag": [True, False, True], "y": [0, 1, 2]})
    frame.with_columns(pl.col("y").cast(pl.UInt8)).write_parquet(tmp_path / "a.parquet")
    x, y = next(stream(tmp_path / "a.parquet", shuffle=False, y="y").get_numpy_iterator())
    assert x.tolist() == [[1.0, 1.0], [float(np.float32(2**24 + 1)), 0.0], [3.0, 1.0]]
    assert (x.dtype, y.dtype, y.tolist()) == (np.float32, np.uint8, [0, 1, 2])


# Faults -----------------------------------------------------------------------------------------------------


def refused(error, *data, **options):
    model = small_model()
    before = model.get_weights()
    with pytest.raises(error) as raised:
        normwise.fit(model, *data, verbose=0, shuffle=False, **options)
    for weight, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    return str(raised.value)


def test_what_is_refused_before_anything_is_read(file, tmp_path):
    assert 'no column "targt". Did you mean "target"?' in refused(ColumnError, file, "targt")
    assert "x is a table and y is a ndarray." in refused(TableError, file, np.zeros(3))
    split = refused(TableError, file, TARGET, validation_split=0.2)
    assert "validation_split=0.2" in split
    assert 'Expected validation_data=(table, "target")' in split
    both = refused(TableError, file, TARGET, sample_weight="a", class_weight={0: 1.0})
    assert 'class_weight and sample_weight="a" were both given' in both
    assert "class_weight was given without y" in refused(TableError, file, class_weight={0: 1.0})
    short = refused(ColumnError, file, ["a", TARGET])
    assert short.startswith(
        'the model takes 3 features, and besides "a", "target" the table has 2 columns: "b", "c"'
    )
    small_table().with_columns(city=pl.lit("Oslo")).write_parquet(tmp_path / "text.parquet")
    text = refused(ColumnError, tmp_path / "text.parquet", TARGET)
    assert text.startswith('the columns "city" are not numbers, but "String".')
    assert "does not exist" in refused(TableError, tmp_path / "absent.parquet", TARGET)


@pytest.mark.parametrize(("value", "word"), [(None, "null"), (float("nan"), "NaN")])
@pytest.mark.parametrize("name", ["b", "target"])
def test_a_value_that_is_missing_midway(tmp_path, value, word, name):
    file = tmp_path / "a.parquet"
    frame = small_table().drop(WEIGHT).with_columns(pl.col(TARGET).cast(pl.Float32)).with_row_index()
    missing = pl.when(pl.col("index") >= 230).then(value).otherwise(name).alias(name)
    frame.with_columns(missing).drop("index").write_parquet(file, row_group_size=70)
    model = small_model()
    before = model.get_weights()
    with pytest.raises(ColumnError) as raised:
        normwise.fit(model, file, TARGET, verbose=0, shuffle=False)
    text = str(raised.value)
    assert (
        f'column "{name}" is {word} in row 230 of {file} (row group 3; both counted from 0), and in ' in text
    )
    # What was trained until then is kept, and can be used.
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert not np.array_equal(model.get_weights()[0], before[0])
    assert model.predict(np.zeros((2, 3)), verbose=0).shape == (2, 1)


def test_a_file_that_is_damaged_midway(file):
    data = bytearray(file.read_bytes())
    half = len(data) // 2
    data[half - 900 : half] = bytes(900)
    file.write_bytes(data)
    model = small_model()
    with pytest.raises(TableError) as raised:
        normwise.fit(model, file, TARGET, verbose=0, shuffle=False)
    assert "cut off, corrupt or gone" in str(raised.value)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_a_file_that_is_truncated(file):
    file.write_bytes(file.read_bytes()[:-100])
    assert f"{file} is not a whole Parquet file" in refused(TableError, file, TARGET)


def test_a_file_that_shrinks_under_the_training(file):
    data = stream(file)
    small_table().drop(WEIGHT)[:250].write_parquet(file, row_group_size=70)
    with pytest.raises(TableError, match="Expected files that do not change under it"):
        epoch(data)


def test_the_thread_ends_with_a_training_that_a_callback_ends(file):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        normwise.fit(small_model(), file, TARGET, verbose=0, callbacks=[Stop()])
    # The fixture looks for the thread.


def test_features_are_the_other_columns_in_the_order_of_the_file(file):
    assert stream(file).columns.features == FEATURES


@pytest.mark.parametrize("streamed", [True, False])
def test_validation_has_the_features_of_the_training_by_name(tmp_path, streamed):
    """In whatever order the other table has them, and whatever it has besides."""
    frame, file = small_table(), tmp_path / "weighted.parquet"
    frame.write_parquet(file)
    other = frame.reverse().select(*reversed(frame.columns))
    other.write_parquet(tmp_path / "other.parquet")
    table, held_out = (file, tmp_path / "other.parquet") if streamed else (frame, other)
    x, y, weight = small_arrays()
    expected = trained(x, y, sample_weight=weight, validation_data=(x[::-1], y[::-1]))
    assert_same(trained(table, TARGET, sample_weight=WEIGHT, validation_data=(held_out, TARGET)), expected)


def test_a_feature_that_the_validation_lacks(file, tmp_path):
    pl.read_parquet(file).rename({"b": "bb"}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(ColumnError, match='the table has no column "b"'):
        trained(file, TARGET, validation_data=(tmp_path / "other.parquet", TARGET))
