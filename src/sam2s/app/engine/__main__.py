"""The tracking process: reads orders line by line from standard input, writes reports to standard output.

Ends when its input ends, so that it never outlives the server; what it wrote to a workspace is safe by then.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import sys
import threading
import warnings
from collections.abc import Callable

from sam2s.app.engine.messages import Order, Report
from sam2s.errors import Sam2sError


def main() -> int:
    """Load the weights and work until the server lets go."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--image-size", type=int, default=None)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="tracking: %(levelname)s %(message)s")
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not look like a report
    lock = threading.Lock()

    def send(report: Report) -> None:
        with lock:
            out.write(report.to_line())

    orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(orders,), daemon=True).start()
    try:
        return _work(arguments, orders, send)
    except (BrokenPipeError, KeyboardInterrupt):
        return 0


def _read(orders: queue.SimpleQueue[Order | None]) -> None:
    for line in sys.stdin.buffer:
        orders.put(Order.from_line(line))
    orders.put(None)


def _work(
    arguments: argparse.Namespace, orders: queue.SimpleQueue[Order | None], send: Callable[[Report], None]
) -> int:
    from sam2s.app.engine.scheduler import Scheduler
    from sam2s.loading import load
    from sam2s.quality import PromptWarning

    warnings.simplefilter("ignore", PromptWarning)  # the page shows what it advises
    try:
        network = load(arguments.weights, device=arguments.device, image_size=arguments.image_size)
    except Sam2sError as error:
        send(Report("failed", message=str(error)))
        return 2
    detail = {
        "name": network.config.name,
        "image_size": network.image_size,
        "device": str(network.device),
        "categories": list(network.config.categories or ()),
        "digest": network.digest(),
    }
    send(Report("ready", detail=detail))
    scheduler = Scheduler(network, send)
    try:
        while True:
            wait = scheduler.idle
            try:
                order = orders.get(block=wait)
            except queue.Empty:
                scheduler.step()
                continue
            if order is None:
                return 0
            scheduler.take(order)
    finally:
        scheduler.close()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # the thread that reads may be in the middle of a read, which a usual exit would trip over
