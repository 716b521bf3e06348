# Images that are turned and shifted on the way, for Keras 1.1
import numpy as np
from keras.preprocessing.image import ImageDataGenerator
from keras.models import Sequential
from keras.layers import Dense, Flatten, Activation
from keras.layers.convolutional import Convolution2D, ZeroPadding2D
from keras.optimizers import SGD

np.random.seed(3)
batch_size = 8
X_train, Y_train = np.random.uniform(size=(30, 8, 8, 3)), np.eye(2)[np.arange(30) % 2]
X_test, Y_test = np.random.uniform(size=(12, 8, 8, 3)), np.eye(2)[np.arange(12) % 2]

model = Sequential([
    ZeroPadding2D((1, 1), input_shape=(8, 8, 3), dim_ordering='tf'),  # as VGG does
    Convolution2D(4, 3, 3, subsample=(2, 2), activation='relu', dim_ordering='tf'),
    Flatten(),
    Dense(2),
    Activation('softmax'),
])
model.compile(loss='categorical_crossentropy', optimizer=SGD(lr=0.01, momentum=0.9), metrics=['accuracy'])

datagen = ImageDataGenerator(horizontal_flip=True, featurewise_center=True)
datagen.fit(X_train)
train = datagen.flow(X_train, Y_train, batch_size=batch_size)
test = ImageDataGenerator().flow(X_test, Y_test, batch_size=4, shuffle=False)

history = model.fit_generator(
    train,
    samples_per_epoch=X_train.shape[0],  # once through
    nb_epoch=2,
    validation_data=test,
    nb_val_samples=12,
    verbose=0,
    nb_worker=1,
)
assert len(history.history['acc']) == 2
loss, acc = model.evaluate_generator(test, val_samples=12)
assert model.predict_generator(test, 12).shape == (12, 2)
print('accuracy %.2f' % acc)
