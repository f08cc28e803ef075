"""Small disks: file systems in memory, mounted in a mount namespace of the test's own."""

import os
import subprocess
import sys
import tempfile

NAMESPACE = "SESSIOND_TEST_NAMESPACE"


def enter_namespace():
    """Goes on in a mount namespace, as root of it: what is mounted there ends with the test."""
    if NAMESPACE in os.environ:
        return
    os.environ[NAMESPACE] = "1"
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", "--mount", *as_root]
    tried = subprocess.run([*command, "true"], stderr=subprocess.PIPE, text=True)
    if tried.returncode != 0:
        sys.exit(f"FAILED: this test mounts a small disk, which takes root or user namespaces: {tried.stderr}")
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def mount_tmpfs(mib):
    """The folder, which is new; for unmount()."""
    folder = tempfile.mkdtemp(prefix="sessiond-disk-")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        os.rmdir(folder)
        raise SystemExit(f"FAILED: the test's disk cannot be mounted: {mounted.stderr}")
    return folder


def unmount(folder):
    subprocess.run(["umount", "--lazy", folder], check=True)
    os.rmdir(folder)
