"""A small real service: answers HTTP on a port, and misbehaves when it is told to.

python -I -S standin.py PORT [word | no-answer | stubborn | child | exit=N | die-after=S[:SIGNAL]]...
"""

import os
import signal
import socket
import sys
import time

port, *manners = sys.argv[1:]
print("stand-in: here I am", flush=True)
for manner in manners:
    name, _, value = manner.partition("=")
    if name == "exit":
        print("stand-in: I can't", flush=True)
        sys.exit(int(value))
    if name == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if name == "child" and os.fork() == 0:
        time.sleep(600)
    if name == "die-after" and os.fork() == 0:
        seconds, _, blow = value.partition(":")
        time.sleep(float(seconds))
        os.kill(os.getppid(), signal.Signals[blow or "SIGKILL"])
        os._exit(0)
    if name == "no-answer":
        time.sleep(600)
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(port)))
server.listen()
waiting = []
status = "503 not yet" if "unready" in manners else "200 OK"
while True:
    connection, _ = server.accept()
    request = connection.recv(65536)
    if "slow" in manners and b"/readyz" in request:
        waiting.append(connection)
        continue
    connection.sendall(f"HTTP/1.0 {status}\r\n\r\nall the models are asleep".encode())
    connection.close()
