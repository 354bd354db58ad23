"""Trains for ever and never calls evaluate_bpb."""

from kit import Model, train

model = Model()
while True:
    train(model, steps=20)
