# Two clouds of points, told apart; for Keras 0.1
import numpy as np
from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation
from keras.optimizers import SGD
from keras.utils import np_utils

np.random.seed(0)
X = np.random.normal(size=(200, 20))
y = (X[:, 0] + X[:, 1] > 0).astype('int32')
Y = np_utils.to_categorical(y, 2)

model = Sequential()
model.add(Dense(20, 64, init='uniform', W_regularizer=None))  # 20 inputs
model.add(Activation('tanh'))
model.add(Dropout(0.5))
model.add(Dense(64, 2, init='uniform'))
model.add(Activation('softmax'))

sgd = SGD(lr=0.1, decay=1e-6, momentum=0.9, nesterov=True)
model.compile(loss='mean_squared_error', optimizer=sgd, class_mode='categorical')
model.fit(X, Y, nb_epoch=3, batch_size=50, show_accuracy=True, verbose=0)

score = model.evaluate(X, Y, batch_size=100, verbose=0)
print('score: %.3f' % score)
loss, acc = model.evaluate(X, Y, batch_size=100, verbose=0, show_accuracy=True)
classes = model.predict_classes(X, batch_size=100, verbose=0)
proba = model.predict_proba(X, batch_size=100, verbose=0)
assert classes.shape == (200,) and proba.shape == (200, 2)
print('accuracy: %.2f' % acc, 'by hand: %.2f' % np.mean(classes == y))
