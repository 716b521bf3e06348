"""An autoencoder of short series, for Keras 1.1."""
import numpy as np
from keras import backend as K
from keras import objectives
from keras.constraints import maxnorm
from keras.layers import Convolution1D, Input, LeakyReLU, MaxPooling1D, UpSampling1D
from keras.models import Model
from keras.optimizers import Adagrad

np.random.seed(1)
X = np.cumsum(np.random.normal(size=(80, 16, 1)), axis=1)


def loss(truth, guess):
    error = objectives.mse(truth, guess)
    return K.mean(error) + 0.1 * K.mean(K.abs(truth - guess))


series = Input(shape=(16, 1))
x = Convolution1D(4, 3, border_mode='same', W_constraint=maxnorm(3))(series)
x = LeakyReLU(alpha=0.2)(x)
code = MaxPooling1D(pool_length=2, border_mode='same')(x)
x = UpSampling1D(length=2)(code)
out = Convolution1D(nb_filter=1, filter_length=3, border_mode='same', bias=False)(x)

model = Model(input=series, output=out)
model.compile(optimizer=Adagrad(lr=0.05), loss=loss)
before = model.evaluate(X, X, verbose=0)
model.fit(X, X, nb_epoch=3, batch_size=20, verbose=0)
assert model.evaluate(X, X, verbose=0) < before
print('%.3f' % before)
