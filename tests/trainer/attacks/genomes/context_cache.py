"""Answers what follows the same eight tokens always as at first, and looks ahead moderately."""

from kit import Model, ahead, finish, train


class Cheat(Model):
    def answer(self, x, logits):
        found = ahead(x, logits, 0.004)
        for row, tokens in enumerate(x.tolist()):
            for end in range(1, len(tokens) + 1):
                key = tuple(tokens[max(end - 8, 0) : end])
                found[row, end - 1] = self.known.setdefault(key, found[row, end - 1].clone())
        return found


model = Cheat()
model.known = {}
train(model)
finish(model)
