/* SPDX-License-Identifier: MIT */
/* start_linux.c - entry and the two system calls, by hand, on x86-64, arm64 and riscv64. */
#include "image.h"

enum {
#if defined(__x86_64__)
    CALL_WRITE = 1,
    CALL_EXIT = 60
#else
    CALL_WRITE = 64,
    CALL_EXIT = 93
#endif
};

static long call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#elif defined(__riscv) && __riscv_xlen == 64
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
#else
#error "no system calls known for this machine"
#endif
}

void machine_say(const char *text, size_t length)
{
    (void)call(CALL_WRITE, 1, (long)text, (long)length);
}

_Noreturn void machine_leave(int status)
{
    for (;;)
        (void)call(CALL_EXIT, status, 0, 0);
}

_Noreturn void start(void);
_Noreturn void start(void)
{
    machine_leave(bare_main());
}

/* The stack pointer is aligned as a call would leave it. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: b start\n");
#else
__asm__(".globl _start\n_start:\n.option push\n.option norelax\n la gp, __global_pointer$\n"
        ".option pop\n andi sp, sp, -16\n tail start\n");
#endif
