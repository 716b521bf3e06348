# Sequences of words with a label, for Keras 1.0
import numpy as np
from keras.preprocessing import sequence
from keras.models import Sequential
from keras.layers.core import Dense, Activation
from keras.layers.embeddings import Embedding
from keras.layers.recurrent import LSTM

np.random.seed(7)
max_features, maxlen = 50, 12
texts = [list(np.random.randint(1, max_features, np.random.randint(4, maxlen))) for _ in range(120)]
y = np.array([int(max(t) > 45) for t in texts])
X = sequence.pad_sequences(texts, maxlen=maxlen)

model = Sequential()
model.add(Embedding(max_features, 16, input_length=maxlen, init='uniform'))
model.add(LSTM(output_dim=8, inner_activation='sigmoid', forget_bias_init='one',
               dropout_W=0.2, dropout_U=0.2, consume_less='mem'))  # a small one
model.add(Dense(1))
model.add(Activation('sigmoid'))
assert model.count_params() > 0  # it is built already

model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(X, y, batch_size=40, nb_epoch=2, verbose=0)
score, acc = model.evaluate(X, y, batch_size=40, verbose=0)
classes = model.predict_classes(X, verbose=0)
assert classes.shape == (120, 1) and classes.dtype == 'int32'
print('Test accuracy:', acc)
