"""Containers started ahead of the documents that will need them, and at once for those that wait.

Starting one takes a quarter of a second of processor time: no more are started side by side than
there are processors, and while documents are worked on they come first (`load`). Each container is
handed out once. `backend` decides how many to have; `container` starts one.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from docmill.sandboxes.docker.container import Container
from docmill.sandboxes.docker.form import IDLE_SECONDS, Form
from docmill.sandboxes.docker.load import Load

MOST_AHEAD = 20
"""Containers ready at the beginning of a run, at most."""
SPARE_SHARE = 2
"""Once documents flow, half of those at once is kept ready: they don't all end together."""


@dataclass
class Stock:
    """The containers of one form: ready ones, those who wait for one, and how many to have."""

    ready: deque[Container] = field(default_factory=deque[Container])
    waiting: deque[Future[Container]] = field(default_factory=deque["Future[Container]"])
    starting: int = 0
    at_once: int = 0
    """Sessions at once; 0: nothing is started ahead."""
    to_come: int = 0
    """Containers that may still be started ahead."""
    flowing: bool = False
    """Whether one has been handed out."""

    @property
    def owed(self) -> int:
        """How many more there have to be because somebody waits."""
        return len(self.waiting) - self.starting

    @property
    def aim(self) -> int:
        """How many there should be in reserve."""
        most = min(self.at_once, MOST_AHEAD)
        return -(-most // SPARE_SHARE) if self.flowing else most

    @property
    def wanted(self) -> int:
        """How many more there should be in reserve."""
        return min(self.aim - len(self.ready) - self.starting + len(self.waiting), self.to_come)

    @property
    def fullness(self) -> float:
        """0 to 1: how little it presses to start another one."""
        return min(1.0, len(self.ready) / max(1, self.aim))

    @property
    def is_idle(self) -> bool:
        """Whether it can be forgotten."""
        return not (self.ready or self.waiting or self.starting or self.at_once)


class Pool:
    """Starts containers in threads of its own and hands each out once.

    Args:
        start: makes one; blocks. Its errors reach whoever waits.
        starters: how many are started at the same time.
        load: how busy the machine is.
    """

    def __init__(self, start: Callable[[Form], Container], *, starters: int, load: Load) -> None:
        self._start = start
        self._starters = starters
        self._load = load
        self._stocks: dict[Form, Stock] = {}
        self._running = 0
        self._pause = 0.0
        self._changed = threading.Condition()
        self._threads = ThreadPoolExecutor(starters, thread_name_prefix="docmill-docker")

    def take(self, form: Form) -> "Future[Container]":
        """A fresh container, at once if one is ready; who cancels it in time gets none."""
        found: Future[Container] = Future()
        stale: list[Container] = []
        with self._changed:
            stock = self._stocks.setdefault(form, Stock())
            stock.flowing = True
            while stock.ready and not found.done():
                container = stock.ready.popleft()
                if time.monotonic() - container.since < IDLE_SECONDS:
                    found.set_result(container)
                else:
                    stale.append(container)
            if not found.done():
                stock.waiting.append(found)
            self._deal()
        for container in stale:
            self._threads.submit(container.remove)
        return found

    def stock_up(self, form: Form, *, at_once: int, in_all: int) -> None:
        """Have containers of this form ready from now on, until `clear_out`."""
        with self._changed:
            stock = self._stocks.setdefault(form, Stock())
            stock.at_once, stock.to_come, stock.flowing = at_once, in_all, False
            self._deal()

    def clear_out(self, form: Form) -> None:
        """Start no more of this form ahead and remove those that nobody took; blocks."""
        with self._changed:
            stock = self._stocks.setdefault(form, Stock())
            stock.at_once = 0
            self._changed.notify_all()
            self._changed.wait_for(lambda: not stock.starting)
            left = list(stock.ready)
            stock.ready.clear()
            self._forget(form)
        for container in left:
            container.remove()

    def _forget(self, form: Form) -> None:
        if form in self._stocks and self._stocks[form].is_idle:
            del self._stocks[form]

    def _deal(self) -> None:
        """Have as many starts under way as are needed and may be. Call it locked."""
        while self._running < self._starters:
            form = self._neediest()
            if form is None:
                break
            stock = self._stocks[form]
            stock.to_come -= stock.owed <= 0
            stock.starting += 1
            self._running += 1
            job = self._threads.submit(self._make, form)
            job.add_done_callback(partial(self._made, form))
        self._changed.notify_all()

    def _neediest(self) -> Form | None:
        """The form to start one of next: one that somebody waits for, else one to have ready."""
        forms = sorted(self._stocks, key=lambda form: self._stocks[form].owed)
        form = forms[-1] if forms else None
        if form is not None and self._stocks[form].owed > 0:
            return form
        return next((form for form in forms if self._stocks[form].wanted > 0), None)

    def _make(self, form: Form) -> Container | None:
        """Start one; None if by the time it may be started nobody wants it any more."""
        with self._changed:
            stock = self._stocks[form]
            if stock.flowing:
                pause = self._pause * stock.fullness
                self._changed.wait_for(lambda: self._is_pressing(stock), pause)
            if not stock.at_once and not stock.waiting:
                return None
        begin = time.monotonic()
        container = self._start(form)
        self._pause = self._load.pause_after(time.monotonic() - begin) * self._starters
        return container

    def _is_pressing(self, stock: Stock) -> bool:
        """Whether there is no time for pauses: somebody waits, or waits for the end."""
        return not stock.at_once or any(each.waiting for each in self._stocks.values())

    def _made(self, form: Form, job: "Future[Container | None]") -> None:
        """Hand what was started to who has waited longest, or put it in reserve."""
        with self._changed:
            stock = self._stocks[form]
            self._running -= 1
            stock.starting -= 1
            failure = job.exception()
            container = None if failure is not None else job.result()
            if failure is not None:
                stock.to_come = 0  # nothing is tried again for nobody; who comes next is told
            if container is not None or failure is not None:
                self._hand_out(stock, container, failure)
            self._forget(form)
            self._deal()

    @staticmethod
    def _hand_out(stock: Stock, container: Container | None, failure: BaseException | None) -> None:
        while stock.waiting:
            found = stock.waiting.popleft()
            if not found.set_running_or_notify_cancel():
                continue
            if container is None:
                found.set_exception(failure)
            else:
                found.set_result(container)
            return
        if container is not None:
            stock.ready.append(container)
