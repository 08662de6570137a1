"""Runs cells in one Jupyter kernel, and prints every message of the kernel as a line of JSON.

The first line of stdin is the request: {"kernel", "cwd", "silence": seconds, "timeout": seconds or
null}. Each later line [source] runs these cells in order, up to the first that fails, and "end" is
printed. The line "interrupt" sends SIGINT to the kernel: the current cell is then the last one. The
line "kill" ends a running cell at once, and so does the end of stdin: the parent process has ended.

nbclient cannot be used: it stops listening when the kernel says "idle", and Deno's kernel publishes
output after that.
"""

import json
import queue
import signal
import sys
import threading
import time

from own_kernel import OwnKernel

# Longest wait for output after the end of a cell, in seconds: a timer in a kernel may never be silent.
LONGEST_TAIL = 5.0


def emit(**event):
    print(json.dumps(event, default=str), flush=True)


class Run:
    def __init__(self, request):
        self.request = request
        self.interrupted = False
        self.requests = queue.Queue()  # lists of cells; None at the end
        self.manager = OwnKernel(request["kernel"])
        self.closing = threading.Lock()

    def listen(self):
        """Follows the later lines of stdin; runs in a thread."""
        for line in sys.stdin:
            if line.strip() == "kill":
                break
            if line.strip() == "interrupt":
                self.interrupted = True
                self.manager.interrupt_kernel()
            else:
                self.requests.put(json.loads(line))
        self.interrupted = True
        self.requests.put(None)
        with self.closing:
            if self.manager.has_kernel:
                self.manager.shutdown_kernel(now=True)

    def all_requests(self):
        self.manager.start_kernel(cwd=self.request["cwd"])
        threading.Thread(target=self.listen, daemon=True).start()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        emit(event="ready")
        while (cells := self.requests.get()) is not None:
            self.run(cells)

    def run(self, cells):
        for index, source in enumerate(cells):
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
                reply = self.client.get_shell_msg(timeout=60)
                if reply["parent_header"].get("msg_id") == message_id:
                    return reply["content"]["status"], reply["content"]
        except queue.Empty:
            return "dead", None

    def messages(self, index, message_id):
        """Prints messages until the kernel is idle and silent; returns "dead" or "timeout" if not."""
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


def main():
    # Ctrl-C reaches the whole process group, but only stdin says what to do. SIG_IGN is no use: the
    # kernel would inherit it.
    signal.signal(signal.SIGINT, lambda *_: None)
    run = Run(json.loads(sys.stdin.readline()))
    try:
        run.all_requests()
    finally:
        with run.closing:
            run.manager.close()


if __name__ == "__main__":
    main()
