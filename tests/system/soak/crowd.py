"""The simulated devices, in a thread of their own: connections, timers, downloads. Other threads ask by call()."""

import heapq
import itertools
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from harness.swarm import Swarm
from harness.wait import until

from . import download
from .member import Member

DOWNLOADERS = 16
PATIENCE = 20.0  # seconds a device tries to download


class Crowd:
    """patient: whether devices may leave it to the server's timers to end a task. absence: seconds that a device stays away
    which "stays away". draw(member): what becomes of each attempt of a member, in place of a draw from the seed."""

    def __init__(self, port, size, seed, patient, absence, draw=None):
        self.seed = seed
        self.draw = draw
        self.patient = patient
        self.absence = absence
        self.swarm = Swarm(port)
        self.members = [Member(self, number) for number in range(size)]
        self.acknowledged = 0
        self.downloads = 0
        self.complaints = []  # what must never happen
        self._calls = queue.SimpleQueue()
        self._timers = []
        self._order = itertools.count()
        self._pool = ThreadPoolExecutor(DOWNLOADERS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)

    def start(self):
        for index, member in enumerate(self.members):
            self.later(index * 0.002, member.connect)
        self._thread.start()
        until(lambda: self.online() == len(self.members), "every device to be connected", 60)

    def stop(self):
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True)
        self.swarm.close()

    def online(self):
        return sum(member.ready for member in self.members)

    def idle(self):
        return not any(member.busy for member in self.members)

    def complain(self, sentence):
        self.complaints.append(sentence)

    # --- for members and for other threads ---

    def call(self, function, *arguments):
        """Runs it in the crowd's thread, soon."""
        self._calls.put((function, arguments))

    def later(self, seconds, function, *arguments):
        """In the crowd's thread only, but before its start."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), function, arguments))

    def download(self, member, act, data):
        self._pool.submit(self._download, member, act, data)

    def _download(self, member, act, data):
        problem = ""
        try:
            download.fetch(data["url"], data["size"], data["sign"], PATIENCE)
        except download.Gone as error:
            problem = str(error)
        except download.Damaged as error:
            self.complain(f"{member.name} {act.version}: {error}")
            problem = "damaged"
        self.downloads += not problem
        self.call(member.on_downloaded, act, problem)

    # --- the thread ---

    def _run(self):
        while not self._stop.is_set():
            self._run_calls()
            self._run_timers()
            try:
                self.swarm.turn(0.02)
            except Exception as error:  # a broken device is a finding, and the others go on
                self.complain(f"the crowd stumbled: {error!r}")

    def _run_calls(self):
        with suppress(queue.Empty):
            while True:
                function, arguments = self._calls.get_nowait()
                function(*arguments)

    def _run_timers(self):
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, function, arguments = heapq.heappop(self._timers)
            function(*arguments)
