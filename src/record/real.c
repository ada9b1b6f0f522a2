/* SPDX-License-Identifier: MIT */
/* Find the malloc behind the recorder, and serve what the search itself allocates.
 *
 * rec_next starts with functions that resolve it and then call through it. dlsym may allocate (it does when it fails,
 * and with old C libraries always), which would come here again: those calls get early blocks, from a static buffer.
 *
 *     buffer  [size|block......][size|block...]          16-byte steps, never reused
 */
#define _GNU_SOURCE
#include "record/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EARLY_BYTES 65536u

static _Alignas(64) unsigned char early[EARLY_BYTES];
static _Atomic size_t early_used;
static _Atomic int resolving;

bool rec_is_early(const void *block)
{
    uintptr_t at = (uintptr_t)block - (uintptr_t)early;
    return at < EARLY_BYTES;
}

size_t rec_early_size(const void *block)
{
    size_t size;
    memcpy(&size, (const unsigned char *)block - sizeof size, sizeof size);
    return size;
}

static void *early_block(size_t align, size_t size)
{
    if (align < 16)
        align = 16;
    if (size > EARLY_BYTES || align > 4096)
        return NULL;
    size_t room = size + align + 16;
    size_t at = atomic_fetch_add(&early_used, room);
    if (at + room > EARLY_BYTES)
        return NULL;
    uintptr_t block = ((uintptr_t)early + at + 16 + align - 1) & ~(uintptr_t)(align - 1);
    memcpy((unsigned char *)block - sizeof size, &size, sizeof size);
    return (void *)block;
}

static void resolve(void);

/* True when rec_next can be called now; false when this call comes from the search. */
static bool ready(void)
{
    int idle = 0;
    if (!atomic_compare_exchange_strong(&resolving, &idle, 1))
        return false;
    resolve();
    return true;
}

static void *first_malloc(size_t size)
{
    return ready() ? rec_next.malloc(size) : early_block(16, size);
}

static void *first_calloc(size_t count, size_t size)
{
    if (ready())
        return rec_next.calloc(count, size);
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : early_block(16, bytes);
}

static void *first_realloc(void *old, size_t size)
{
    if (ready())
        return rec_next.realloc(old, size);
    void *block = early_block(16, size);
    if (block && old && rec_is_early(old)) {
        size_t had = rec_early_size(old);
        memcpy(block, old, had < size ? had : size);
    }
    return block;
}

static void first_free(void *block)
{
    if (ready())
        rec_next.free(block);
}

static void *first_memalign(size_t align, size_t size)
{
    return ready() ? rec_next.memalign(align, size) : early_block(align, size);
}

static void *first_aligned_alloc(size_t align, size_t size)
{
    return ready() ? rec_next.aligned_alloc(align, size) : early_block(align, size);
}

static int first_posix_memalign(void **block, size_t align, size_t size)
{
    if (ready())
        return rec_next.posix_memalign(block, align, size);
    void *got = early_block(align, size);
    if (!got)
        return ENOMEM;
    *block = got;
    return 0;
}

static void *first_valloc(size_t size)
{
    return ready() ? rec_next.valloc(size) : early_block(4096, size);
}

static void *first_pvalloc(size_t size)
{
    return ready() ? rec_next.pvalloc(size) : early_block(4096, size);
}

static size_t first_usable(void *block)
{
    if (ready())
        return rec_next.usable(block);
    return rec_is_early(block) ? rec_early_size(block) : 0;
}

rec_real rec_next = {first_malloc,   first_calloc,        first_realloc,        first_free,
                     first_memalign, first_aligned_alloc, first_posix_memalign, first_valloc,
                     first_pvalloc,  first_usable};

/* C has no portable way from an object pointer to a function pointer but this one. */
static void find(void *slot, const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol)
        memcpy(slot, &symbol, sizeof symbol);
}

static void *no_page_block(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return rec_next.memalign(page, size);
}

static void resolve(void)
{
    rec_real found = {0};
    find(&found.malloc, "malloc");
    find(&found.calloc, "calloc");
    find(&found.realloc, "realloc");
    find(&found.free, "free");
    find(&found.memalign, "memalign");
    find(&found.aligned_alloc, "aligned_alloc");
    find(&found.posix_memalign, "posix_memalign");
    find(&found.valloc, "valloc");
    find(&found.pvalloc, "pvalloc");
    find(&found.usable, "malloc_usable_size");
    if (!found.memalign)
        found.memalign = found.aligned_alloc;
    if (!found.malloc || !found.calloc || !found.realloc || !found.free || !found.memalign ||
        !found.aligned_alloc || !found.posix_memalign || !found.usable) {
        static const char line[] =
            "tarn: the C library behind the recorder has no complete malloc\n";
        ssize_t n = write(2, line, sizeof line - 1);
        (void)n;
        abort();
    }
    if (!found.valloc)
        found.valloc = no_page_block;
    if (!found.pvalloc)
        found.pvalloc = no_page_block;
    rec_next = found;
}
