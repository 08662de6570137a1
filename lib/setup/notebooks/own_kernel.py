"""Starts kernels that cannot be in each other's way."""

import os
import tempfile

from jupyter_client import KernelManager


def own_kernel(name):
    """A manager whose kernel is reached by sockets in a folder of its own, not by ports.

    Jupyter chooses a port before the kernel listens on it. Kernels that start at the same time could
    take each other's.
    """
    folder = tempfile.TemporaryDirectory(prefix="bcssl-")
    connection = os.path.join(folder.name, "kernel")
    manager = KernelManager(
        kernel_name=name, transport="ipc", ip=connection, connection_file=f"{connection}.json"
    )
    manager.folder = folder  # it is removed with the manager
    return manager
