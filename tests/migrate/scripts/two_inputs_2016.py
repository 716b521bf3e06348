"""A model of two inputs and two outputs, for Keras 1.2."""
import numpy as np
from keras.layers import Input, Dense, merge
from keras.layers.noise import GaussianNoise
from keras.models import Model
from keras.regularizers import l1l2

np.random.seed(0)
a = Input(shape=(6,), name='a')
b = Input(shape=(6,), name='b')

shared = Dense(8, activation='relu', init='glorot_normal', W_regularizer=l1l2(l1=1e-5, l2=1e-5))
left, right = shared(a), shared(GaussianNoise(sigma=0.1)(b))
both = merge([left, right], mode='concat', concat_axis=-1, name='both')
total = merge([left, right], mode='sum')

first = Dense(1, activation='sigmoid', name='first')(both)
second = Dense(3, activation='softmax', name='second')(total)
model = Model(input=[a, b], output=[first, second])
model.compile(optimizer='rmsprop', loss=['binary_crossentropy', 'categorical_crossentropy'],
              loss_weights=[1., 0.5])

xa, xb = np.random.normal(size=(60, 6)), np.random.normal(size=(60, 6))
y1, y2 = np.random.randint(2, size=(60, 1)), np.eye(3)[np.random.randint(3, size=60)]
model.fit([xa, xb], [y1, y2], nb_epoch=2, batch_size=30, verbose=0)

encoder = Model(input=a, output=left)
assert encoder.predict(xa, verbose=0).shape == (60, 8)
print([p.shape for p in model.predict([xa, xb], verbose=0)])
