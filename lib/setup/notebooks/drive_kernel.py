"""For kernel_relay_slow_test.ts: does to a kernel what pages of JupyterLab do, in order.

Request on stdin: {"kernel", "cwd", "actions": [action]}. An action is one of
  {"do": "run", "as": name, "code", "cell": id, "page": number}  sends a cell, and does not wait
  {"do": "see", "in": name, "text"}  waits until that cell shows a text
  {"do": "end", "in": name}  waits for the cell's reply
  {"do": "interrupt"}
  {"do": "forge"}  sends messages that nobody in the know would send
  {"do": "touch", "path"}  makes an empty file, for which a cell waits
  {"do": "ask", "page": number}  waits until the kernel says what it is
Answer on stdout: {"cells": {name: {"status", "reply", "shown": [[type, content]]}}, "processes": how many the kernel had,
"left": [ids of those that outlived it]}.
"""

import json
import queue
import sys
import time
from contextlib import closing

import psutil
from own_kernel import OwnKernel

LONGEST = 120.0  # seconds that anything is waited for


class Driver:
    def __init__(self, manager):
        self.manager, self.pages, self.cells = manager, {}, {}

    def page(self, number):
        if number not in self.pages:
            client = self.manager.client()
            client.session = type(client.session)(key=client.session.key)  # a session of its own, as a page has
            client.start_channels(shell=True, iopub=True, stdin=True, hb=False, control=False)
            if number == 0:
                client.wait_for_ready(timeout=120)
            self.pages[number] = client
        return self.pages[number]

    def run(self, action):
        client = self.page(action.get("page", 0))
        content = {"code": action["code"], "silent": False, "store_history": True, "stop_on_error": True}
        message = client.session.msg("execute_request", content | {"allow_stdin": True, "user_expressions": {}})
        message["metadata"] = {"cellId": action.get("cell", action["as"])}
        client.shell_channel.send(message)
        self.cells[action["as"]] = {"id": message["header"]["msg_id"], "page": client, "status": None, "shown": [], "idle": False}

    def read(self, patience=0.01):
        """Takes what has come, until nothing comes for so many seconds."""
        more = True
        while more:
            more = False
            for client in self.pages.values():
                for channel in (client.iopub_channel, client.shell_channel, client.stdin_channel):
                    try:
                        self.take(client, channel.get_msg(timeout=patience / 3))
                        more = True
                    except queue.Empty:
                        pass
            if patience < 0.1:
                return

    def take(self, client, message):
        for cell in self.cells.values():
            if cell["page"] is not client or message["parent_header"].get("msg_id") != cell["id"]:
                continue
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "execute_reply":
                cell["status"], cell["reply"] = content["status"], content
            elif kind == "input_request":
                client.input(f"answer to {content['prompt']}")
            elif kind == "status":
                cell["idle"] = content["execution_state"] == "idle"
            elif kind != "execute_input":
                cell["shown"].append([kind, content])

    def wait(self, is_true, what):
        began = time.monotonic()
        while not is_true():
            if time.monotonic() - began > LONGEST:
                raise TimeoutError(f"waited in vain for {what}: {json.dumps(self.answer(), default=str)}")
            self.read()

    def do(self, action):
        cell = self.cells.get(action.get("in"))
        if action["do"] == "run":
            self.run(action)
        elif action["do"] == "see":
            self.wait(lambda: action["text"] in json.dumps(cell["shown"]), action)
        elif action["do"] == "end":
            self.wait(lambda: cell["status"] and cell["idle"], action)
        elif action["do"] == "ask":
            self.page(action["page"]).kernel_info(reply=True, timeout=60)
        elif action["do"] == "forge":
            self.forge()
        elif action["do"] == "touch":
            open(action["path"], "w").close()
        else:
            self.manager.interrupt_kernel()

    def forge(self):
        """Sends what is no message, and a cell that is signed with another key."""
        client = self.page(0)
        client.shell_channel.socket.send_multipart([b"no message"])
        stranger = type(client.session)(key=b"another key")
        message = stranger.msg("execute_request", {"code": "globalThis.forged = true"})
        stranger.send(client.shell_channel.socket, message)

    def answer(self):
        return {name: {key: cell.get(key) for key in ("status", "reply", "shown")} for name, cell in self.cells.items()}


def main():
    request = json.load(sys.stdin)
    with closing(OwnKernel(request["kernel"])) as manager:
        manager.start_kernel(cwd=request["cwd"])
        relay = psutil.Process(manager.provisioner.pid)
        driver = Driver(manager)
        driver.page(0)
        processes = [relay, *relay.children(recursive=True)]
        for action in request["actions"]:
            driver.do(action)
        driver.read(patience=0.3)  # what comes after the last action, and should not
    _, left = psutil.wait_procs(processes, timeout=60)
    json.dump({"cells": driver.answer(), "processes": len(processes), "left": [p.pid for p in left]}, sys.stdout)


main()
