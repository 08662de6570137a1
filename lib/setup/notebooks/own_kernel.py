"""Starts kernels that cannot be in each other's way."""

import os
import tempfile

from jupyter_client import KernelManager


class OwnKernel(KernelManager):
    """A kernel that is reached by sockets in a folder of its own, not by ports.

    Jupyter chooses a port before the kernel listens on it. Kernels that start at the same time could
    take each other's.
    """

    def __init__(self, name):
        self.folder = tempfile.TemporaryDirectory(prefix="bcssl-")
        connection = os.path.join(self.folder.name, "kernel")
        super().__init__(kernel_name=name, transport="ipc", ip=connection, connection_file=f"{connection}.json")
        self.clients = []

    def client(self, **options):
        client = super().client(**options)
        self.clients.append(client)
        return client

    def close(self):
        """Ends the kernel and all connections to it.

        ZeroMQ waits at the end of a process for every socket that is still open, possibly for ever.
        """
        if self.has_kernel:
            self.shutdown_kernel(now=True)
        for client in self.clients:
            client.stop_channels()
        self.context.destroy(linger=0)
        self.folder.cleanup()
