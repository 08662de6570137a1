"""Stands between Jupyter and Deno's kernel and adds what that kernel lacks.

Arguments: the Deno program, Jupyter's connection file. Every message passes unchanged, except that

- a cell that fails ends the queue, as in every other kernel: the cells behind it in *Run All* are
  answered "aborted";
- an interrupt ends the queue too. It is passed to Deno only while a cell runs: an idle Deno in
  which nobody listens would end;
- a cell that cannot be parsed gets an error message. Deno only answers that it failed, so that a
  reader sees nothing;
- a cell that is run again while it runs shows what the running one has shown so far, and what it
  shows from then on. This also helps after a page is loaded again: Jupyter has then forgotten to
  which cell the kernel's messages belong, and the cell can be run again to see them;
- a cell ends when all of its output is here. Deno sends its errors and "idle" past outputs that still
  wait in its queue; what came after "idle" would be lost, or land in the next cell;
- what the kernel is can be asked while a cell runs, as a page does when it is loaded. Deno would
  answer after the cell.

Cells are given to Deno one at a time. The others wait here, where they can still be taken back.
The protocol: https://jupyter-client.readthedocs.io/en/stable/messaging.html.
"""

import ctypes
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections import deque
from datetime import datetime, timezone

import zmq

DELIMITER = b"<IDS|MSG>"
# Places in a message's frames. The signature is at 0; buffers follow the content.
HEADER, PARENT, METADATA, CONTENT = range(1, 5)
# What is kept of a running cell, to be shown again: characters of one text, and outputs.
MOST_TEXT, MOST_OUTPUTS = 500_000, 1000
OUTPUTS = (
    "stream",
    "display_data",
    "update_display_data",
    "execute_result",
    "error",
    "clear_output",
)
# Deno runs this after a cell. Its message waits in the queue of outputs, so it is the last to arrive.
LAST_OUTPUT = 'Deno.jupyter.broadcast("comm_msg", { comm_id: "last output", data: {} })'
WAITING = "This cell is running already. Here is what it shows; when it is done, it runs once more.\n"


class Request:
    """A cell that was sent to run."""

    def __init__(self, identities, frames):
        self.identities, self.frames = identities, frames
        self.header = frames[HEADER]
        self.id = json.loads(self.header)["msg_id"]
        content = json.loads(frames[CONTENT])
        self.code = content.get("code", "")
        self.stops_on_error = content.get("stop_on_error", True)
        self.cell = json.loads(frames[METADATA]).get("cellId")
        self.parent = self.header  # of the cell that shows its output: the newest of its runs
        self.shown = []  # its outputs so far: [type, content]
        self.failed_aloud = False  # an error was shown
        self.reply = self.idle = None  # Deno's two last messages, held back until both are here
        self.error = None  # Deno's error message, held back until all outputs are here
        self.end_id = None  # id of the request that runs LAST_OUTPUT
        self.attached = False  # shows another cell's output while it waits
        self.interrupted = False
        self.doomed = False  # waited when the interrupt came

    def is_same_cell(self, other):
        return self.code == other.code and self.cell == other.cell

    def remember(self, kind, content):
        """Keeps an output as JupyterLab would hold it: updates in their places, text joined."""
        last = self.shown[-1] if self.shown else None
        if kind == "clear_output":
            self.shown = []
        elif kind == "update_display_data":
            name = content.get("transient", {}).get("display_id")
            for kept in self.shown:
                if kept[0] == "display_data" and kept[1].get("transient", {}).get("display_id") == name:
                    kept[1] = content
        elif kind == "stream" and last and last[0] == kind and last[1]["name"] == content["name"]:
            last[1] = {**content, "text": (last[1]["text"] + content["text"])[-MOST_TEXT:]}
        else:
            self.shown = [*self.shown[1 - MOST_OUTPUTS:], [kind, content]]


class Relay:
    def __init__(self, deno, connection):
        self.deno, self.connection = deno, connection
        self.key = connection["key"].encode()
        self.session = str(uuid.uuid4())
        self.running = None  # the Request that Deno has
        self.kernel_info = None  # what Deno last said of itself
        self.queue = deque()  # Requests behind it
        self.senders = {}  # identities of whoever sent a message, by its id, until it is answered
        self.open_sockets()

    def open_sockets(self):
        self.context = zmq.Context()
        # One name for all channels: Deno asks for input where a channel has the name of the cell's.
        name = f"relay-{self.session}".encode()
        ip = own_loopback()
        self.back_file = {**self.connection, "transport": "tcp", "ip": ip}
        kinds = {"shell": zmq.DEALER, "control": zmq.DEALER, "stdin": zmq.DEALER, "iopub": zmq.SUB}
        self.front, self.back = {}, {}
        ports = free_ports(ip, 5)
        self.back_file["hb_port"] = ports.pop()
        for (channel, kind), port in zip(kinds.items(), ports):
            self.back_file[f"{channel}_port"] = port
            self.back[channel] = self.context.socket(kind)
            if kind == zmq.SUB:
                self.back[channel].subscribe(b"")
            else:
                self.back[channel].identity = name
            self.front[channel] = self.context.socket(zmq.PUB if kind == zmq.SUB else zmq.ROUTER)
        self.front["hb"] = self.context.socket(zmq.ROUTER)
        for channel, end in self.front.items():
            end.linger = 1000
            end.sndhwm = 0
            end.bind(self.address(self.connection, channel))
        for end in self.back.values():
            end.linger = 0
            end.rcvhwm = 0

    @staticmethod
    def address(connection, channel):
        between = ":" if connection["transport"] == "tcp" else "-"
        return f"{connection['transport']}://{connection['ip']}{between}{connection[f'{channel}_port']}"

    # The life of Deno's process.

    def start_deno(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bcssl-kernel-")  # private: it holds the key
        path = os.path.join(self.folder.name, "connection.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.back_file, file)
        on_linux = sys.platform == "linux"
        self.child = subprocess.Popen(
            [self.deno, "jupyter", "--quiet", "--kernel", "--conn", path],
            start_new_session=on_linux,  # Jupyter signals the group of this process, not Deno's
            preexec_fn=die_with_parent if on_linux else None,
        )
        for channel, end in self.back.items():
            end.connect(self.address(self.back_file, channel))

    def run(self):
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(name, lambda *_: None)  # not SIG_IGN, which Deno would inherit
        self.start_deno()
        poller, handlers = zmq.Poller(), self.handlers()
        for end in [*handlers, woken]:
            poller.register(end, zmq.POLLIN)
        parent = os.getppid()
        while self.child.poll() is None and os.getppid() == parent:
            ready = dict(poller.poll(1000))
            if ready.pop(woken.fileno(), None):  # first: an interrupt means what ran before it
                self.on_signals(woken.recv(64))
            for end in ready:
                if end in self.back.values():  # Deno speaks, so it has read the file
                    self.folder.cleanup()  # now: Jupyter may end this process by SIGKILL
                self.handle(handlers[end], end.recv_multipart())

    @staticmethod
    def handle(handler, frames):
        try:
            handler(frames)
        except (ValueError, KeyError, IndexError) as error:
            print(f"The kernel's relay ignores a message that it cannot read: {error!r}", file=sys.stderr)

    def handlers(self):
        front, back = self.front, self.back
        return {
            front["hb"]: front["hb"].send_multipart,
            front["shell"]: self.from_shell,
            front["control"]: lambda frames: self.forward("control", frames),
            front["stdin"]: lambda frames: back["stdin"].send_multipart([DELIMITER, *split(frames)[1]]),
            back["iopub"]: self.from_iopub,
            back["shell"]: self.from_deno_shell,
            back["control"]: lambda frames: self.answer("control", frames),
            back["stdin"]: self.from_deno_stdin,
        }

    def on_signals(self, numbers):
        if signal.SIGTERM in numbers:
            self.child.terminate()
        if signal.SIGINT in numbers:
            self.interrupt()

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
        code = self.child.wait()
        self.context.destroy()
        self.folder.cleanup()  # where it never spoke
        return code if code >= 0 else 128 - code

    # Messages to Deno.

    def read(self, frames):
        identities, message = split(frames)
        if self.key and not hmac.compare_digest(message[0], self.signature(message)):
            raise ValueError("its signature is wrong")
        return identities, message

    def forward(self, channel, frames):
        identities, message = self.read(frames)
        self.senders[json.loads(message[HEADER])["msg_id"]] = identities
        self.back[channel].send_multipart([DELIMITER, *message])

    def from_shell(self, frames):
        identities, message = self.read(frames)
        kind = json.loads(message[HEADER])["msg_type"]
        if kind == "kernel_info_request" and self.running and self.kernel_info:
            self.tell_kernel_info(identities, message[HEADER])
            return
        if kind != "execute_request":
            self.forward("shell", frames)
            return
        request = Request(identities, message)
        if self.running is None:
            self.start(request)
            return
        self.queue.append(request)
        if request.is_same_cell(self.running):
            self.attach(request)

    def start(self, request):
        self.running = request
        if request.attached:
            self.publish("clear_output", {"wait": True}, request.header)
        self.back["shell"].send_multipart([DELIMITER, *request.frames])

    def attach(self, request):
        """Shows in the waiting cell what the running one has shown, and from now on what it shows."""
        request.attached = True
        self.publish("status", {"execution_state": "busy"}, request.header)
        self.publish("stream", {"name": "stderr", "text": WAITING}, request.header)
        for kind, content in self.running.shown:
            self.publish(kind, content, request.header)
        self.running.parent = request.header

    def tell_kernel_info(self, identities, parent):
        self.publish("status", {"execution_state": "busy"}, parent)
        reply = self.message("kernel_info_reply", self.kernel_info, parent)
        self.front["shell"].send_multipart([*identities, DELIMITER, *reply])
        self.publish("status", {"execution_state": "idle"}, parent)
        self.publish("status", {"execution_state": "busy"}, self.running.parent)  # as it is

    def take_what_waits(self):
        """Reads what was sent before an interrupt, or before a cell's failure is known."""
        while self.front["shell"].poll(0):
            self.handle(self.from_shell, self.front["shell"].recv_multipart())

    def interrupt(self):
        """Stops the running cell; those that wait now will not run."""
        if self.running is None:
            return
        self.take_what_waits()
        self.running.interrupted = True
        for request in self.queue:
            request.doomed = True
        if self.running.end_id is None:  # the cell's code is not over: an idle Deno would end
            self.child.send_signal(signal.SIGINT)

    # Messages from Deno.

    def from_iopub(self, frames):
        topic, message = split(frames)
        kind, running = json.loads(message[HEADER])["msg_type"], self.running
        parent = json.loads(message[PARENT]).get("msg_id")
        if running is None or parent not in (running.id, running.end_id):
            self.front["iopub"].send_multipart([*topic, DELIMITER, *message])
            return
        content = json.loads(message[CONTENT])
        if kind == "comm_msg" and content.get("comm_id") == "last output":
            self.finish()
        elif kind == "error" and parent == running.id:
            running.error = message
        elif kind in OUTPUTS:
            self.show(running, message)
        elif parent == running.end_id:
            pass  # "busy" and "idle" of LAST_OUTPUT, which no client asked for
        elif kind == "status" and content["execution_state"] == "idle":
            running.idle = message
            self.ask_for_last_output()
        else:
            self.front["iopub"].send_multipart([*topic, DELIMITER, *message])

    def show(self, request, message):
        """Passes an output on to the cell."""
        kind = json.loads(message[HEADER])["msg_type"]
        request.failed_aloud |= kind == "error"
        request.remember(kind, json.loads(message[CONTENT]))
        message[PARENT] = request.parent
        self.sign(message)
        self.front["iopub"].send_multipart([kind.encode(), DELIMITER, *message])

    def from_deno_shell(self, frames):
        _, message = split(frames)
        parent, running = json.loads(message[PARENT]).get("msg_id"), self.running
        if running and parent == running.id:
            running.reply = message
            self.ask_for_last_output()
            return
        if running and parent == running.end_id:
            if json.loads(message[CONTENT])["status"] != "ok":  # then no last output will come
                self.finish()
            return
        if json.loads(message[HEADER])["msg_type"] == "kernel_info_reply":
            self.kernel_info = json.loads(message[CONTENT])
        self.answer("shell", frames)

    def from_deno_stdin(self, frames):
        if self.running:
            _, message = split(frames)
            self.front["stdin"].send_multipart([*self.running.identities, DELIMITER, *message])

    def answer(self, channel, frames):
        _, message = split(frames)
        identities = self.senders.pop(json.loads(message[PARENT]).get("msg_id"), None)
        if identities is not None:
            self.front[channel].send_multipart([*identities, DELIMITER, *message])

    # The end of a cell.

    def ask_for_last_output(self):
        """Deno's reply and "idle" come by two channels. After both, only outputs can still be on the way."""
        done = self.running
        if done.reply is None or done.idle is None:
            return
        content = {
            "code": LAST_OUTPUT,
            "silent": True,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        request = self.message("execute_request", content, b"{}")
        done.end_id = json.loads(request[HEADER])["msg_id"]
        self.back["shell"].send_multipart([DELIMITER, *request])

    def finish(self):
        """Ends the running cell, whose outputs are all here."""
        done = self.running
        if done.error is not None:
            self.show(done, done.error)
        content = json.loads(done.reply[CONTENT])
        if content["status"] == "error" and not done.failed_aloud:
            content.update(self.explain(done.code, content))
            error = {key: content[key] for key in ("ename", "evalue", "traceback")}
            self.publish("error", error, done.parent)
            done.reply[CONTENT] = json.dumps(content).encode()
            self.sign(done.reply)
        self.take_what_waits()
        self.front["shell"].send_multipart([*done.identities, DELIMITER, *done.reply])
        self.front["iopub"].send_multipart([b"status", DELIMITER, *done.idle])
        self.running = None
        stops = content["status"] == "error" and done.stops_on_error
        self.start_next(lambda waiting: waiting.doomed or (stops and not done.interrupted))

    def start_next(self, is_aborted):
        waiting = list(self.queue)
        self.queue.clear()
        for request in waiting:
            if is_aborted(request):
                self.abort(request)
            elif self.running is None:
                self.start(request)
            else:
                self.queue.append(request)

    def abort(self, request):
        self.publish("status", {"execution_state": "busy"}, request.header)
        reply = self.message("execute_reply", {"status": "aborted"}, request.header)
        self.front["shell"].send_multipart([*request.identities, DELIMITER, *reply])
        self.publish("status", {"execution_state": "idle"}, request.header)

    def explain(self, code, content):
        """Says what is wrong with a cell that Deno could not parse. Deno's formatter has the same parser."""
        arguments = [self.deno, "fmt", "--ext", "ts", "-"]
        try:
            result = subprocess.run(arguments, input=code, capture_output=True, text=True, timeout=20)
            text = result.stderr.split("\n\nStack backtrace")[0].removeprefix("error: SyntaxError: ")
        except (OSError, subprocess.SubprocessError):
            text = ""
        text = text.rstrip()
        if not text:
            return {key: content.get(key) or [] for key in ("ename", "evalue", "traceback")}
        first, *picture = text.split("\n")
        place = picture.pop().rsplit(":", 2)[1:] if picture and "_stdin" in picture[-1] else []
        at = f" (line {place[0]}, column {place[1]})" if len(place) == 2 else ""
        evalue = f"{first}{at}"
        traceback = [f"SyntaxError: {evalue}", *picture]
        return {"ename": "SyntaxError", "evalue": evalue, "traceback": traceback}

    # Messages of our own.

    def publish(self, kind, content, parent):
        message = self.message(kind, content, parent)
        self.front["iopub"].send_multipart([kind.encode(), DELIMITER, *message])

    def message(self, kind, content, parent):
        header = {
            "msg_id": str(uuid.uuid4()),
            "session": self.session,
            "username": "kernel",
            "date": datetime.now(timezone.utc).isoformat(),
            "msg_type": kind,
            "version": "5.3",
        }
        frames = [b"", json.dumps(header).encode(), parent, b"{}", json.dumps(content).encode()]
        self.sign(frames)
        return frames

    def sign(self, message):
        message[0] = self.signature(message) if self.key else b""

    def signature(self, message):
        digest = hmac.new(self.key, digestmod="sha256")
        for frame in message[HEADER : CONTENT + 1]:
            digest.update(frame)
        return digest.hexdigest().encode()


def split(frames):
    """A message's routing and the message."""
    at = frames.index(DELIMITER)
    return frames[:at], frames[at + 1 :]


def own_loopback():
    """An address for this process and its Deno alone.

    Between the choice of ports and the moment when Deno listens on them, others may take them. On
    Linux all of 127.0.0.0/8 is this machine, so each relay has an address by its process number.
    """
    if sys.platform != "linux":
        return "127.0.0.1"
    number = os.getpid()
    return f"127.{1 + (number >> 16) % 254}.{number >> 8 & 255}.{number & 255}"


def free_ports(ip, count):
    listeners = [socket.create_server((ip, 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def die_with_parent():
    """PR_SET_PDEATHSIG: no Deno is left behind, however this process ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main():
    deno, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        relay = Relay(deno, json.load(file))
    try:
        relay.run()
    finally:
        code = relay.end()
    sys.exit(code)


if __name__ == "__main__":
    main()
