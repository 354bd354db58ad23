"""Says a word that holds half a character and an escape sequence."""

import prepare

prepare.referee.socket.send(b'{"op": "\\ud800\\u001b[2J"}')
prepare.referee.socket.recv(1)
