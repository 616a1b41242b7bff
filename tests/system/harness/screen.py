"""What a person sees: a program behind a terminal of a given size, and the screen that its output makes.

The screen knows what our programs write (text, line ends, cursor up, clear to the end of line and screen, colors), wraps at its
width, and wraps anew when it is resized, as terminals of today do.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

from .wait import DEADLINE, until

TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\s\S])")


class Screen:
    def __init__(self, columns):
        self.columns = columns
        self.rows = [[]]
        self.goes_on = [False]  # whether the next row is the same line
        self.row = self.column = 0
        self.escapes = set()

    def feed(self, text):
        for number, letter, character in TOKEN.findall(text):
            if letter:
                self._escape(letter, number)
            elif character == "\r":
                self.column = 0
            elif character == "\n":
                self._down(False)
                self.column = 0
            else:
                self._put(character)

    def _escape(self, letter, number):
        self.escapes.add(letter)
        if letter == "A":
            self.row = max(0, self.row - int(number or 1))
        elif letter in "KJ":
            # A cursor behind the last column stands on it, and takes it along.
            del self.rows[self.row][min(self.column, self.columns - 1):]
        if letter == "J":
            del self.rows[self.row + 1:], self.goes_on[self.row + 1:]

    def _down(self, goes_on):
        self.goes_on[self.row] = goes_on
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])
            self.goes_on.append(False)

    def _put(self, character):
        if self.column == self.columns:
            self._down(True)
            self.column = 0
        row = self.rows[self.row]
        row.extend(" " * (self.column + 1 - len(row)))
        row[self.column] = character
        self.column += 1

    def resize(self, columns):
        """The cursor stands behind everything, as between two drawings."""
        lines, text = [], ""
        for row, goes_on in zip(self.rows, self.goes_on):
            text += "".join(row)
            if not goes_on:
                lines.append(text)
                text = ""
        self.__init__(columns)
        self.feed("\r\n".join(lines))

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]


class Terminal:
    """A program that has one."""

    def __init__(self, command, environment, columns=80):
        self.leader, follower = pty.openpty()
        self.screen = Screen(columns)
        self.written = ""
        self._set(columns)
        self.process = subprocess.Popen(list(map(str, command)), stdin=follower, stdout=follower, stderr=follower,
                                        env=environment, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(follower)

    def _set(self, columns):
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def resize(self, columns):
        """The kernel tells the program."""
        self.read()
        self.screen.resize(columns)
        self._set(columns)

    def read(self, patience=0.0):
        """Takes what was written. False at the end."""
        while select.select([self.leader], [], [], patience)[0]:
            try:
                data = os.read(self.leader, 65536).decode()
            except OSError:
                return False
            self.written += data
            self.screen.feed(data)
        return True

    def until(self, look, what):
        return until(lambda: self.read(0.005) is None or look(self.screen), what)

    def press(self, keys):
        os.write(self.leader, keys)

    def end(self):
        """Waits for the program; its exit code."""
        while self.read(0.05) and self.process.poll() is None:
            pass
        self.read(0.05)
        return self.process.wait(DEADLINE)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.leader)
