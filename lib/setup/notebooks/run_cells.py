"""Runs cells in one Jupyter kernel and tells, a JSON object a line on stdout, everything the kernel publishes.

First line of stdin, the request: {"kernel", "cwd", "cells": [source], "silence": s, "timeout": s or null}.
Later lines: "interrupt" sends the kernel SIGINT and ends after the running cell; "kill" ends it now, and so does the
end of stdin (whoever started us is gone).

Not nbclient, because it stops listening when the kernel says "idle", and Deno's kernel publishes output after that.
"""

import json
import queue
import signal
import sys
import threading
import time

from jupyter_client import KernelManager

LONGEST_TAIL = 5.0  # seconds of output after a cell's end that are waited for: a timer in the kernel may never be silent


def emit(**event):
    print(json.dumps(event, default=str), flush=True)


class Run:
    def __init__(self, request):
        self.request = request
        self.interrupted = False
        self.manager = KernelManager(kernel_name=request["kernel"])

    def listen(self):
        """In a thread: obeys the later lines of stdin."""
        for line in sys.stdin:
            if line.strip() == "kill":
                break
            self.interrupted = True
            self.manager.interrupt_kernel()
        self.interrupted = True
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)

    def all_cells(self):
        self.manager.start_kernel(cwd=self.request["cwd"])
        threading.Thread(target=self.listen, daemon=True).start()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        emit(event="ready")
        for index, source in enumerate(self.request["cells"]):
            emit(event="start", index=index)
            began = time.monotonic()
            status, reply = self.cell(index, source)
            emit(event="done", index=index, status=status, reply=reply, seconds=time.monotonic() - began)
            if status != "ok" or self.interrupted:
                break
        emit(event="end", interrupted=self.interrupted)

    def cell(self, index, source):
        message_id = self.client.execute(source, allow_stdin=False, stop_on_error=False)
        failure = self.messages(index, message_id)
        if failure is not None:
            return failure, None
        try:
            while True:
                reply = self.client.get_shell_msg(timeout=10)
                if reply["parent_header"].get("msg_id") == message_id:
                    return reply["content"]["status"], reply["content"]
        except queue.Empty:
            return "dead", None

    def messages(self, index, message_id):
        """Passes on what is published until the kernel is idle and silent; says what went wrong, if something did."""
        silence, timeout = self.request["silence"], self.request["timeout"]
        began, idle_since = time.monotonic(), None
        while True:
            now = time.monotonic()
            if idle_since is not None and now - idle_since > LONGEST_TAIL:
                return None
            try:
                message = self.client.get_iopub_msg(timeout=silence)
            except queue.Empty:
                if idle_since is not None:
                    return None
                if not self.manager.is_alive():
                    return "dead"
                if timeout is not None and now - began > timeout:
                    return "timeout"
                continue
            kind, content = message["header"]["msg_type"], message["content"]
            if kind != "status":
                emit(event="message", index=index, type=kind, content=content)
            elif content["execution_state"] == "idle" and message["parent_header"].get("msg_id") == message_id:
                idle_since = time.monotonic()

    def close(self):
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)


def main():
    # A handler, not SIG_IGN: the kernel would inherit that. Ctrl-C reaches the whole group; stdin says what it means.
    signal.signal(signal.SIGINT, lambda *_: None)
    run = Run(json.loads(sys.stdin.readline()))
    try:
        run.all_cells()
    finally:
        run.close()


if __name__ == "__main__":
    main()
