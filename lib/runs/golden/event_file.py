"""Event files as TensorBoard's own writer makes them: the golden values of event_file_test.ts.

    pip install tensorboard
    python event_file.py > event_file.json

With a path, reads the event files in that folder as TensorBoard does and prints every scalar.
"""
import io
import json
import sys

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def record(event):
    out = io.BytesIO()
    RecordWriter(out).write(event.SerializeToString(deterministic=True))
    return list(out.getvalue())


def golden():
    time, step = 1795503455.25, 70000
    scalars = {"loss": 5.5, "knn20Top1": 0.7300000190734863}
    session = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    values = [summary_pb2.Summary.Value(tag=k, simple_value=v) for k, v in scalars.items()]
    return {
        "time": time,
        "step": step,
        "scalars": scalars,
        "startOfFile": record(event_pb2.Event(wall_time=time, file_version="brain.Event:2")),
        "startOfSession": record(event_pb2.Event(wall_time=time, step=step, session_log=session)),
        "event": record(event_pb2.Event(wall_time=time, step=step, summary=summary_pb2.Summary(value=values))),
    }


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(folder, size_guidance={"scalars": 0})
    found.Reload()
    return {tag: [[e.step, e.value] for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


print(json.dumps(read(sys.argv[1]) if len(sys.argv) > 1 else golden()))
