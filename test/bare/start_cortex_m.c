/* SPDX-License-Identifier: MIT */
/* start_cortex_m.c - vectors, data to its place, and semihosting for output and the end. */
#include "image.h"

enum { SYS_WRITE0 = 4, SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

static int semihost(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

/* Semihosting writes a string ended by 0; text is one. */
void machine_say(const char *text, size_t length)
{
    (void)length;
    (void)semihost(SYS_WRITE0, text);
}

_Noreturn void machine_leave(int status)
{
    const int argument[] = {APPLICATION_EXIT, status};
    for (;;)
        (void)semihost(SYS_EXIT_EXTENDED, argument);
}

extern unsigned image_data_from[], image_data_start[], image_data_end[], image_bss_start[],
    image_bss_end[], image_stack_top[];

static void reset(void)
{
    const unsigned *from = image_data_from;
    for (unsigned *to = image_data_start; to < image_data_end;)
        *to++ = *from++;
    for (unsigned *to = image_bss_start; to < image_bss_end;)
        *to++ = 0;
    machine_leave(bare_main());
}

static void fault(void)
{
    machine_say("machine fault\n", 14);
    machine_leave(1);
}

__attribute__((section(".vectors"), used)) static void (*const VECTORS[])(void) = {
    (void (*)(void))image_stack_top, reset, fault, fault, fault, fault, fault};
