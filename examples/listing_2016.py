"""Who earns more than 50K? A network on the Adult census table, for Keras 0.3 / 1.x.

    NORMWISE_DATA=folder python listing_2016.py [epochs] [rows]
"""
from __future__ import print_function

import os
import sys

import numpy as np
np.random.seed(1337)  # for reproducibility

from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation
from keras.layers.normalization import BatchNormalization
from keras.optimizers import SGD
from keras.utils import np_utils

nb_epoch = int(sys.argv[1]) if len(sys.argv) > 1 else 20
nb_rows = int(sys.argv[2]) if len(sys.argv) > 2 else None
folder = os.path.join(os.environ['NORMWISE_DATA'], 'adult')


def read(name):
    """Rows of cells, as text; the first line of adult.test is a comment."""
    with open(os.path.join(folder, name)) as lines:
        rows = [line.strip().rstrip('.').split(', ') for line in lines]
    return [row for row in rows if len(row) == 15][:nb_rows]


train, test = read('adult.data'), read('adult.test')


def code(column):
    """Numbers stay numbers, words become the place that they have in the alphabet."""
    try:
        return [[float(row[column]) for row in rows] for rows in (train, test)]
    except ValueError:
        words = sorted(set(row[column] for row in train))
        places = dict(zip(words, range(len(words))))
        return [[places.get(row[column], -1) for row in rows] for rows in (train, test)]


columns = [code(column) for column in range(14)]
X_train, X_test = (np.array([c[part] for c in columns], dtype='float32').T for part in (0, 1))

# every feature between 0 and 1
low, high = X_train.min(axis=0), X_train.max(axis=0)
X_train = (X_train - low) / (high - low)
X_test = (X_test - low) / (high - low)

y_train, y_test = (np.array([row[14] == '>50K' for row in rows], dtype='int32') for rows in (train, test))
Y_train = np_utils.to_categorical(y_train, 2)
Y_test = np_utils.to_categorical(y_test, 2)

model = Sequential()

# the input: 14 features
model.add(Dense(64, input_dim=14, init='uniform'))
model.add(BatchNormalization(mode=0))
model.add(Activation('tanh'))
model.add(Dropout(0.5))

# one hidden layer more
model.add(Dense(64, init='uniform'))
model.add(BatchNormalization(mode=0))
model.add(Activation('tanh'))
model.add(Dropout(0.5))

# the output: two classes
model.add(Dense(2, init='uniform'))
model.add(BatchNormalization(mode=0))
model.add(Activation('softmax'))

sgd = SGD(lr=0.1, decay=1e-6, momentum=0.9, nesterov=True)
model.compile(loss='categorical_crossentropy', optimizer=sgd)

model.fit(X_train, Y_train, nb_epoch=nb_epoch, batch_size=16, show_accuracy=True,
          validation_split=0.2, verbose=2)

score, acc = model.evaluate(X_test, Y_test, batch_size=1000, show_accuracy=True, verbose=0)
print('adult.test: loss %.4f, accuracy %.4f' % (score, acc))
print('said to earn more:', int(model.predict_classes(X_test, verbose=0).sum()), 'of', len(X_test))
