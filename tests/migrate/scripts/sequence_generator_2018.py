"""A generator of sequences, for Keras 2.2."""
import numpy as np
from keras.layers import GRU, Bidirectional, Dense, TimeDistributed
from keras.models import Sequential
from keras.utils import Sequence, to_categorical


class Batches(Sequence):
    def __init__(self, x, y, size):
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return int(np.ceil(len(self.x) / float(self.size)))

    def __getitem__(self, i):
        at = slice(i * self.size, (i + 1) * self.size)
        return self.x[at], self.y[at]


def endless(x, y, size):
    while True:
        at = np.random.randint(len(x), size=size)
        yield x[at], y[at]


np.random.seed(2)
x = np.random.normal(size=(64, 6, 3))
y = to_categorical((x.sum(axis=2) > 0).astype(int), num_classes=2)

model = Sequential()
model.add(Bidirectional(GRU(4, return_sequences=True, implementation=2), input_shape=(6, 3)))
model.add(TimeDistributed(Dense(2, activation='softmax')))
model.compile(optimizer='nadam', loss='categorical_crossentropy', metrics=['acc'], sample_weight_mode='temporal')

batches = Batches(x, y, 16)
history = model.fit_generator(endless(x, y, 16), 4, 2, verbose=0, max_queue_size=2, workers=1,
                              validation_data=batches, validation_steps=len(batches))
assert len(history.history['val_acc']) == 2
model.fit_generator(batches, epochs=1, verbose=0, use_multiprocessing=False)
loss, acc = model.evaluate_generator(batches)
assert model.predict_generator(batches, steps=4).shape == (64, 6, 2)
print('%.2f' % acc)
