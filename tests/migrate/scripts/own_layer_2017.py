'''A layer and a metric of one's own, for Keras 2.1.'''
import numpy as np
from keras import backend as K
from keras import initializers
from keras.engine.topology import Layer
from keras.layers import Dense, Lambda
from keras.models import Sequential
from keras.optimizers import RMSprop


class Scaled(Layer):
    """x * W / sqrt(n)"""

    def __init__(self, units, **kwargs):
        self.units = units
        super(Scaled, self).__init__(**kwargs)

    def build(self, input_shape):
        self.W = self.add_weight('W', (input_shape[1], self.units),
                                 initializer=initializers.get('uniform'), trainable=True)
        super(Scaled, self).build(input_shape)

    def call(self, x):
        return K.dot(x, self.W) / K.sqrt(K.cast(K.shape(x)[1], 'float32'))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)


def within(y_true, y_pred):
    return K.mean(K.cast(K.abs(y_true - y_pred) < 0.5, K.floatx()), axis=-1)


np.random.seed(5)
x = np.random.normal(size=(64, 4)).astype('float32')
y = x[:, :1] - x[:, 1:2]

model = Sequential([
    Scaled(6, input_shape=(4,)),
    Lambda(lambda t: K.concatenate([t, K.square(t)])),
    Dense(1, kernel_initializer='zero'),
])
model.compile(RMSprop(0.01, 0.9, 1e-8), 'mse', metrics=[within])
hist = model.fit(x, y, epochs=2, batch_size=32, verbose=0)
assert sorted(hist.history) == ['loss', 'within']
print(hist.history['within'])
