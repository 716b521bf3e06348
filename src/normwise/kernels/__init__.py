"""The arithmetic of the layers: portable in `keras.ops`, with what is special to a backend beside it."""
