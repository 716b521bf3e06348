"""Callbacks of all kinds, for Keras 2.0."""
import glob
import os
import tempfile

import numpy as np
from keras import backend as K
from keras.callbacks import Callback, EarlyStopping, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau
from keras.layers import Dense
from keras.layers.normalization import BatchNormalization
from keras.models import Sequential, load_model
from keras.optimizers import Adam

np.random.seed(0)
os.chdir(tempfile.mkdtemp())
x = np.random.normal(size=(120, 5))
y = (x.sum(axis=1) > 0).astype(int)


class Best(Callback):
    def on_train_begin(self, logs={}):
        self.best = 0

    def on_epoch_end(self, epoch, logs={}):
        self.best = max(self.best, logs.get('val_acc'))
        K.set_value(self.model.optimizer.lr, 0.5 * K.get_value(self.model.optimizer.lr))


def build():
    net = Sequential()
    net.add(Dense(8, input_shape=(5,), activation='relu', kernel_initializer='normal'))
    net.add(BatchNormalization())
    net.add(Dense(1, activation='sigmoid'))
    net.compile(loss='binary_crossentropy', optimizer=Adam(lr=1e-2, epsilon=None), metrics=['accuracy'])
    return net


model = build()
best = Best()
history = model.fit(x, y, epochs=3, batch_size=40, validation_split=0.25, verbose=0, callbacks=[
    best,
    EarlyStopping(monitor='val_acc', patience=5, mode='max'),
    ModelCheckpoint('net.{epoch:02d}-{val_acc:.2f}.hdf5', monitor='val_acc', verbose=0),
    ReduceLROnPlateau(monitor='val_loss', epsilon=1e-3),
])
assert best.best == max(history.history['val_acc'])
model.fit(x, y, epochs=1, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.001 * 0.9 ** epoch)])

saved = sorted(glob.glob('net.0*'))
assert len(saved) == 3, saved
again = load_model(saved[-1])

model.save_weights('weights.h5')
other = build()
other.load_weights('weights.h5')
np.testing.assert_allclose(other.predict(x), model.predict(x), rtol=1e-5)
print(model.predict_classes(x).mean(), model.predict_proba(x).shape)
