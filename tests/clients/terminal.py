"""Runs a command at a terminal and answers each of its questions for something that is not to be seen.

usage: terminal.py NUMBER ANSWER... COMMAND ARGUMENT...; prints what the terminal shows.
"""

import os
import pty
import sys
import termios
import time

count = int(sys.argv[1])
answers, command = sys.argv[2 : 2 + count], sys.argv[2 + count :]
child, terminal = pty.fork()
if child == 0:
    os.execv(command[0], command)
shown = b""
for number, answer in enumerate(answers, 1):
    while shown.count(b": ") < number:
        shown += os.read(terminal, 4096)
    # The question is there a moment before what is typed is hidden.
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        time.sleep(0.01)
    os.write(terminal, answer.encode() + b"\n")
try:
    while part := os.read(terminal, 4096):
        shown += part
except OSError:
    # So Linux says that the other side is closed.
    pass
os.waitpid(child, 0)
sys.stdout.write(shown.decode())
