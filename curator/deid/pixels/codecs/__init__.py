"""One file per way of writing a frame: bytes to stored values and back.

The law: a frame is decoded to its last byte or refused; an encoder gives bytes that decode to what it was given.
"""
