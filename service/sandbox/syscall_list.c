#include "service/sandbox/syscall_list.h"

#include <stddef.h>

const char *const sandbox_calls_allowed[] = {
    /* Open connections, and accept() on the listening socket. */
    "accept", "accept4", "dup3", "epoll_ctl", "epoll_pwait", "epoll_wait", "getpeername",
    "getsockname", "getsockopt", "poll", "ppoll", "ppoll_time64", "recv", "recvfrom", "recvmsg",
    "send", "sendfile", "sendfile64", "sendmsg", "setsockopt", "shutdown",

    /* The database, its WAL, the snapshot, the log, and files that are read again. Landlock
     * restricts the paths. */
    "access", "close", "faccessat", "faccessat2", "fallocate", "fchmod", "fchown", "fchown32",
    "fcntl", "fcntl64", "fdatasync", "flock", "fstat", "fstat64", "fstatat64", "fstatfs",
    "fstatfs64", "fsync", "ftruncate", "ftruncate64", "getcwd", "_llseek", "lseek", "lstat",
    "lstat64", "mkdir", "mkdirat", "newfstatat", "open", "openat", "pread64", "preadv", "pwrite64",
    "pwritev", "read", "readlink", "readlinkat", "readv", "stat", "stat64", "statfs", "statfs64",
    "statx", "unlink", "unlinkat", "write", "writev",

    /* Memory. */
    "brk", "madvise", "mremap", "munmap",

    /* Existing threads, including a thread that has just started. */
    "exit", "exit_group", "futex", "futex_time64", "get_robust_list", "gettid", "membarrier",
    "rseq", "sched_getaffinity", "sched_yield", "set_robust_list", "set_tid_address",

    /* Time. */
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "gettimeofday", "nanosleep", "restart_syscall", "time",

    /* Signals, including waiting for signals. */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigtimedwait_time64",
    "sigaltstack", "sigreturn",

    /* Random numbers, and their additional entropy in libraries: libuuid, SQLite, GnuTLS. */
    "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getpid", "getppid",
    "getrandom", "getrusage", "getuid", "getuid32",

    /* Size of the machine: malloc and qsort. */
    "getcpu", "sysinfo", "uname",

    NULL};

const char *const sandbox_calls_fatal[] = {
    /* New programs, processes and threads. All threads exist already. */
    "clone", "clone3", "execve", "execveat", "fork", "vfork",

    /* Connections to other hosts, and further ports. */
    "bind", "connect", "listen", "socket", "socketcall", "socketpair",

    /* Access to other processes. */
    "kcmp", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "process_madvise", "process_vm_readv",
    "process_vm_writev", "ptrace", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "tkill",

    /* Change of user, root or namespace. */
    "chroot", "mount", "move_mount", "open_by_handle_at", "open_tree", "personality", "pivot_root",
    "setgid", "setgroups", "setns", "setregid", "setresgid", "setresuid", "setreuid", "setuid",
    "umount2", "unshare",

    /* Calls that kernel exploits use. */
    "add_key", "bpf", "delete_module", "finit_module", "init_module", "io_uring_enter",
    "io_uring_register", "io_uring_setup", "kexec_file_load", "kexec_load", "keyctl",
    "memfd_create", "modify_ldt", "perf_event_open", "request_key", "userfaultfd",

    NULL};
