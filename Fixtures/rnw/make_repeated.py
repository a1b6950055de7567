"""Writes the weights of ../keras/narrow.npz with each kernel like the first one of its shape, each gamma, and so on."""

import sys

import numpy as np

arrays = dict(np.load("../keras/narrow.npz"))
first = {}
for name, array in arrays.items():
    arrays[name] = first.setdefault((name.rsplit("/", 1)[1], array.shape), array)
np.savez(sys.argv[1], **arrays)
