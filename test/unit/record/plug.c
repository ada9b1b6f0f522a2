/* SPDX-License-Identifier: MIT */
/* A library that the tests load while they are being recorded. */
#include <stdlib.h>

void *plug_alloc(size_t size);
void *plug_alloc(size_t size)
{
    char *block = malloc(size);
    if (block)
        block[0] = 1; /* not a tail call: this function is in the stack */
    return block;
}
