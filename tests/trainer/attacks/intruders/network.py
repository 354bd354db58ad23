"""Calls home by TCP and UDP, and asks for a name."""

import socket

from kit import Model, attempt, finish, train

attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt(lambda: socket.getaddrinfo("example.org", 80))
attempt(lambda: socket.socket(socket.AF_VSOCK))
model = Model()
train(model)
finish(model)
