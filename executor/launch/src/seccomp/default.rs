//! The default profile: what Docker's engine allows without being asked.
//!
//! Calls stand here by name; those that an architecture lacks are left out. See `spec/launcher.md` for the meaning.

use super::{Action, Compare, Policy, Rule, numbers};

/// Allowed to everybody.
const ALLOWED: &str = "
    accept accept4 adjtimex bind brk cachestat capget capset chdir clock_adjtime clock_getres
    clock_gettime clock_nanosleep close close_range connect copy_file_range dup dup3
    epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 eventfd2 execve execveat exit exit_group
    faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2
    fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat
    fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake
    get_robust_list getcpu getcwd getdents64 getegid geteuid getgid getgroups getitimer
    getpeername getpgid getpid getppid getpriority getrandom getresgid getresuid getrlimit
    getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat
    inotify_add_watch inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents
    io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule
    landlock_create_ruleset landlock_restrict_self lgetxattr linkat listen listmount listxattr
    listxattrat llistxattr lremovexattr lseek lsetxattr madvise map_shadow_stack membarrier
    memfd_create memfd_secret mincore mkdirat mknodat mlock mlock2 mlockall mmap mprotect
    mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl
    msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat
    openat openat2 pidfd_open pidfd_send_signal pipe2 pkey_alloc pkey_free pkey_mprotect ppoll
    prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev
    pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlinkat readv recvfrom recvmmsg
    recvmsg remap_file_pages removexattr removexattrat renameat renameat2 restart_syscall rseq
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
    rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
    sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
    sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp semctl
    semget semop semtimedop sendfile sendmmsg sendmsg sendto set_robust_list set_tid_address
    setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid
    setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat shmctl shmdt
    shmget shutdown sigaltstack signalfd4 socketpair splice statfs statmount statx symlinkat
    sync sync_file_range syncfs sysinfo tee tgkill timer_create timer_delete timer_getoverrun
    timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill
    truncate umask uname unlinkat utimensat vmsplice wait4 waitid write writev
";

/// Allowed to everybody where the architecture has them.
const ALLOWED_LEGACY: &str = "
    access alarm arch_prctl chmod chown creat dup2 epoll_create epoll_ctl_old epoll_wait
    epoll_wait_old eventfd fork futimesat get_thread_area getdents getpgrp inotify_init lchown
    link lstat mkdir mknod modify_ldt open pause pipe poll readlink rename rmdir select
    set_thread_area signalfd stat symlink time unlink uretprobe utime utimes vfork
";

/// Capability → what it opens. A call may stand under several.
const OPENED: &[(&str, &str)] = &[
    ("DAC_READ_SEARCH", "open_by_handle_at"),
    (
        "SYS_ADMIN",
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr \
         lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr perf_event_open \
         quotactl quotactl_fd setdomainname sethostname setns syslog umount2 unshare",
    ),
    ("SYS_BOOT", "reboot"),
    ("SYS_CHROOT", "chroot"),
    ("SYS_MODULE", "delete_module init_module finit_module"),
    ("SYS_PACCT", "acct"),
    ("SYS_PTRACE", "kcmp pidfd_getfd process_madvise"),
    ("SYS_RAWIO", "iopl ioperm"),
    ("SYS_TIME", "settimeofday clock_settime"),
    ("SYS_TTY_CONFIG", "vhangup"),
    ("SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
    ("SYSLOG", "syslog"),
    ("BPF", "bpf"),
    ("PERFMON", "perf_event_open"),
];

/// The newest call this list knows of without allowing it: EPERM up to here, ENOSYS above.
const NEWEST: &str = "file_setattr";

/// Linux, Linux32 and with either `UNAME26`; the last only asks.
const PERSONALITIES: [u64; 5] = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// `CLONE_NEW*`, which make namespaces.
const NAMESPACES: u64 = 0x7e02_0000;

/// The policy for a process with these capabilities.
pub(super) fn policy(capabilities: &[String]) -> Policy {
    let has = |name: &str| capabilities.iter().any(|capability| capability == name);
    let mut rules = Vec::new();
    let mut add = |name: &str, conditions: &[(u8, Compare)], action: Action| {
        if let Some(number) = numbers::number(name) {
            rules.push(Rule { number, conditions: conditions.to_vec(), action });
        }
    };
    for name in ALLOWED.split_ascii_whitespace().chain(ALLOWED_LEGACY.split_ascii_whitespace()) {
        add(name, &[], Action::Allow);
    }
    for (_, names) in OPENED.iter().filter(|(capability, _)| has(capability)) {
        names.split_ascii_whitespace().for_each(|name| add(name, &[], Action::Allow));
    }
    for personality in PERSONALITIES {
        add("personality", &[(0, Compare::Equal(personality))], Action::Allow);
    }
    // AF_VSOCK and AF_ALG reach past the network namespace, into the host's kernel.
    let families = [libc::AF_VSOCK, libc::AF_ALG].map(|family| (0, Compare::NotEqual(family as u64)));
    add("socket", &families, Action::Allow);
    if !has("SYS_ADMIN") {
        add("clone", &[(0, Compare::Masked(NAMESPACES, 0))], Action::Allow);
        // Its flags are in memory, where a filter cannot look; the C library then uses `clone`.
        add("clone3", &[], Action::Errno(libc::ENOSYS as u16));
    }
    let refused = Action::Errno(libc::EPERM as u16);
    add(NEWEST, &[], refused);
    Policy { rules, otherwise: refused }
}
