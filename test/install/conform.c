/* SPDX-License-Identifier: MIT */
/* A user's test: the installed conformance suite, built into the user's own program. */
#include <tarn/source.h>
#include <tarn_conform.h>

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    (void)parent;
    (void)user;
    return tarn_libc();
}

int main(void)
{
    return tarn_conform(&(tarn_conform_options){.name = "libc", .make = make});
}
