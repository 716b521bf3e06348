"""TensorFlow's Keras, for TensorFlow 1.14."""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.callbacks import EarlyStopping
from tensorflow.python.keras.utils import to_categorical

np.random.seed(4)
x = np.random.uniform(size=(90, 8, 8, 1)).astype('float32')
y = to_categorical(np.random.randint(3, size=90))

inputs = tf.keras.Input(shape=(8, 8, 1))
h = layers.Conv2D(4, 3, strides=2, kernel_initializer=keras.initializers.he_normal())(inputs)
h = layers.BatchNormalization(axis=-1, momentum=0.9)(h)
h = layers.LeakyReLU(alpha=0.1)(h)
h = tf.keras.layers.GlobalAveragePooling2D()(h)
outputs = layers.Dense(3, activation='softmax')(h)
model = keras.models.Model(inputs, outputs)

model.compile(optimizer=tf.keras.optimizers.Adam(lr=0.01, decay=1e-3),
              loss=keras.losses.categorical_crossentropy,
              metrics=['accuracy'])
history = model.fit(x, y, epochs=2, batch_size=30, verbose=0, validation_split=1 / 3,
                    callbacks=[EarlyStopping(patience=2)])
assert 'val_accuracy' in history.history
assert keras.backend.get_value(model.optimizer.iterations) == 4
print(sorted(history.history))
