//! System calls, by seccomp: those are refused by which a process starts another, looks into one, or changes the
//! machine. What a library may come to need is left alone.

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

use super::Confinement;

const REFUSED: [libc::c_long; 46] = [
    // Other programs and processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    // Namespaces and mounts.
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    // The kernel, and its larger surfaces.
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_request_key,
    libc::SYS_syslog,
    libc::SYS_userfaultfd,
    // The machine.
    libc::SYS_acct,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_vhangup,
];

pub(super) fn confine() -> Confinement {
    let applied = program().and_then(|program| apply_filter(&program).ok());
    if applied.is_some() { Confinement::Full } else { Confinement::Absent }
}

fn program() -> Option<BpfProgram> {
    let refused = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let not_permitted = SeccompAction::Errno(u32::try_from(libc::EPERM).ok()?);
    let machine = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    SeccompFilter::new(refused, SeccompAction::Allow, not_permitted, machine).ok()?.try_into().ok()
}
