"""Sends bytes that are no message."""

import prepare

prepare.referee.socket.send(b'\xff{"op": [[[')
prepare.referee.socket.recv(1)
