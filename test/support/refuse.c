/* SPDX-License-Identifier: MIT */
/* refuse.c - a filter of system calls, in the kernel's own little language. */
#include "refuse.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "death.h"

/* Where the low half of an argument lies. */
static uint32_t offset_of_arg(int arg)
{
    size_t at = offsetof(struct seccomp_data, args) + (size_t)arg * 8;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    at += 4;
#endif
    return (uint32_t)at;
}

bool tarn_refuse_call(long number, int arg, uint32_t value, int error)
{
    uint32_t refusal = SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA);
    bool any = arg == REFUSE_ANY;
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 any ? (uint32_t)offsetof(struct seccomp_data, nr) : offset_of_arg(arg)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, any ? (uint32_t)number : value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, refusal),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static void refuse_one(void *arg)
{
    (void)arg;
    assert_child(tarn_refuse_call(SYS_getpriority, REFUSE_ANY, 0, ENOLINK));
    assert_child(syscall(SYS_getpriority, 0, 0) == -1 && errno == ENOLINK);
}

bool tarn_can_refuse(void)
{
    tarn_death d = tarn_death_run(refuse_one, NULL);
    return d.signal == 0 && d.status == 0;
}

bool tarn_hears_advice(void)
{
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool takes_nonsense = page != MAP_FAILED && madvise(page, 4096, 9999) == 0;
    if (page != MAP_FAILED)
        (void)munmap(page, 4096);
    return !takes_nonsense;
}

bool tarn_refuse_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return false;
    files.rlim_cur = 0;
    return setrlimit(RLIMIT_NOFILE, &files) == 0;
}
