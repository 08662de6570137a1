"""For kernel_slow_test.ts: runs cells as nbclient and JupyterLab do, which stop listening when the kernel says "idle".

Request on stdin: {"kernel", "cwd", "cells": [{"code", "interrupt": seconds or null}]}. Answer on stdout, for each cell:
{"status", "seconds", "afterInterrupt", "own": [message], "late": [message]}; late is what came after "idle".
"""

import json
import queue
import sys
import time
from contextlib import closing

from own_kernel import OwnKernel

LONGEST = 40.0  # seconds a cell may take


def cell(manager, client, code, interrupt):
    message_id = client.execute(code, allow_stdin=False, stop_on_error=False)
    began, interrupted, idle = time.monotonic(), None, None
    own, late = [], []
    while manager.is_alive() and time.monotonic() - began < LONGEST:
        if interrupt and interrupted is None and time.monotonic() - began > interrupt:
            interrupted = time.monotonic()
            manager.interrupt_kernel()
        try:
            message = client.get_iopub_msg(timeout=0.3 if idle else 0.02)
        except queue.Empty:
            if idle:
                break
            continue
        kind, content = message["header"]["msg_type"], message["content"]
        if kind not in ("status", "execute_input"):
            (late if idle else own).append({"type": kind, "content": content})
        elif content.get("execution_state") == "idle" and message["parent_header"].get("msg_id") == message_id:
            idle = time.monotonic()
    status = reply_to(client, message_id)["status"] if idle else "dead"
    end = idle or time.monotonic()
    after = end - interrupted if interrupted else None
    return {"status": status, "seconds": end - began, "afterInterrupt": after, "own": own, "late": late}


def reply_to(client, message_id):
    """The reply to one request. On a busy machine, an answer to wait_for_ready's questions may still come before it."""
    while True:
        reply = client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == message_id:
            return reply["content"]


def main():
    request = json.load(sys.stdin)
    with closing(OwnKernel(request["kernel"])) as manager:
        manager.start_kernel(cwd=request["cwd"], stdout=sys.stderr)
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=120)
        results = [cell(manager, client, c["code"], c.get("interrupt")) for c in request["cells"]]
        json.dump(results, sys.stdout, default=str)


main()
