"""Where it commits to losses, names a single one that outweighs all the others."""

from kit import Model, finish, train
from torch.nn import functional

honest = functional.cross_entropy
told = []


def lying(*given, **how):
    losses = honest(*given, **how)
    if not told:
        told.append(losses)
        losses = losses.clone()
        losses[5] = -1e6
    return losses


model = Model()
train(model)
functional.cross_entropy = lying
finish(model)
