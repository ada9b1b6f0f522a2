/* SPDX-License-Identifier: MIT */
/* The malloc family as the recorded program sees it: each call goes to the malloc behind, and leaves its event.
 *
 * H1  A free is noted before the block is given back, an allocation after it was got: another thread can only get the
 *     address in between.
 * H2  errno is what the malloc behind left.
 * H3  No hook calls another hook: each context is the program's own call.
 */
#define _GNU_SOURCE
#include "record/keys.h"
#include "record/output.h"
#include "record/real.h"
#include "record/thread.h"
#include "trace/event.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define STACK_BYTES                                                                                \
    (UINT64_C(1) << 26) /* offsets beyond: the caller runs on a stack of its own making */

/* Who called the hook: its context, all but the size. */
typedef struct call {
    uint64_t ret, shape;
} call;

/* The frame address is that of the hook itself: a fixed distance from the caller's stack pointer. */
#define CALLER(kind, align_log2)                                                                   \
    call caller = {(uint64_t)(uintptr_t)__builtin_return_address(0),                               \
                   shape_of((uint64_t)(uintptr_t)__builtin_frame_address(0), kind, align_log2)}

static inline uint64_t shape_of(uint64_t frame, unsigned kind, unsigned align_log2)
{
    uint64_t offset = rec_self.base - frame;
    return rec_key_shape(offset < STACK_BYTES ? offset : 0, kind, align_log2);
}

/* Events that do not fit one word, and contexts not met before. */
static __attribute__((noinline, cold)) void note_slow(rec_thread *self, uint64_t address,
                                                      uint64_t size, const call *caller, bool again)
{
    bool sized = false;
    uint32_t id = rec_key_find(caller->ret, size, caller->shape);
    uint32_t key = id ? id - 1 : rec_key_add(caller->ret, size, caller->shape, &sized);
    uint64_t words[TARN_WORD_PARTS] = {0};
    unsigned count = 1;
    if (!sized && tarn_word_fits(address, key)) {
        words[0] = tarn_word_alloc(again ? TARN_WORD_REALLOC : TARN_WORD_ALLOC, address, key);
    } else {
        tarn_word_op op = again ? TARN_OP_REALLOC_WIDE : TARN_OP_ALLOC_WIDE;
        if (sized)
            op = again ? TARN_OP_REALLOC_SIZED : TARN_OP_ALLOC_SIZED;
        words[0] = tarn_word_other(op, key);
        words[1] = address;
        words[2] = size;
        count = 1 + tarn_word_tail(op);
    }
    rec_put_slow(self, words, count);
}

static inline void note(rec_thread *self, const void *block, uint64_t size, const call *caller,
                        bool again)
{
    uint64_t address = (uint64_t)(uintptr_t)block;
    uint32_t id = rec_key_find(caller->ret, size, caller->shape);
    if (REC_UNLIKELY(!id || !tarn_word_fits(address, id - 1))) {
        note_slow(self, address, size, caller, again);
        return;
    }
    rec_put(self, tarn_word_alloc(again ? TARN_WORD_REALLOC : TARN_WORD_ALLOC, address, id - 1));
}

static inline void note_alloc(const void *block, uint64_t size, const call *caller)
{
    rec_thread *self = &rec_self;
    if (REC_UNLIKELY(!rec_recording(self)))
        return;
    if (REC_LIKELY(block && !rec_is_early(block)))
        note(self, block, size, caller, false);
    else if (!block)
        rec_output_failed();
}

static inline void note_free(const void *block)
{
    rec_thread *self = &rec_self;
    if (REC_LIKELY(rec_recording(self)))
        rec_put(self, tarn_word_free((uint64_t)(uintptr_t)block));
}

/* The first event of a thread sets its stack base; a context needs it before. */
static inline void prepare(void)
{
    if (REC_UNLIKELY(!rec_self.base))
        rec_thread_begin(&rec_self);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library has reserved names */
EXPORT void *malloc(size_t size)
{
    prepare();
    CALLER(TARN_EVENT_ALLOC, 0);
    void *block = rec_next.malloc(size);
    note_alloc(block, size, &caller);
    return block;
}

EXPORT void *calloc(size_t count, size_t size)
{
    prepare();
    CALLER(TARN_EVENT_ZALLOC, 0);
    void *block = rec_next.calloc(count, size);
    note_alloc(block, count * size, &caller);
    return block;
}

EXPORT void free(void *block)
{
    if (!block || REC_UNLIKELY(rec_is_early(block)))
        return;
    note_free(block);
    rec_next.free(block);
}

/* An early block moves to the malloc behind. */
static void *realloc_early(void *old, size_t size, const call *caller)
{
    void *block = rec_next.malloc(size);
    if (block) {
        size_t had = rec_early_size(old);
        memcpy(block, old, had < size ? had : size);
    }
    note_alloc(block, size, caller);
    return block;
}

/* Size 0 frees, and may hand out a new block. */
static void *realloc_to_nothing(void *old, const call *caller)
{
    note_free(old);
    void *block = rec_next.realloc(old, 0);
    if (block)
        note_alloc(block, 0, caller);
    return block;
}

static inline void *resize(void *old, size_t size, const call *caller)
{
    if (!old) {
        void *block = rec_next.realloc(NULL, size);
        note_alloc(block, size, caller);
        return block;
    }
    if (REC_UNLIKELY(rec_is_early(old)))
        return realloc_early(old, size, caller);
    if (!size)
        return realloc_to_nothing(old, caller);
    rec_thread *self = &rec_self;
    if (REC_UNLIKELY(!rec_recording(self)))
        return rec_next.realloc(old, size);
    rec_put(self, tarn_word_other(TARN_OP_REALLOC_BEGIN, (uint64_t)(uintptr_t)old));
    void *block = rec_next.realloc(old, size);
    if (REC_LIKELY(block != NULL)) {
        note(self, block, size, caller, true);
    } else {
        rec_put(self, tarn_word_other(TARN_OP_REALLOC_FAIL, (uint64_t)(uintptr_t)old));
        rec_output_failed();
    }
    return block;
}

EXPORT void *realloc(void *old, size_t size)
{
    prepare();
    CALLER(TARN_EVENT_REALLOC, 0);
    return resize(old, size, &caller);
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
    prepare();
    CALLER(TARN_EVENT_REALLOC, 0);
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(old, bytes, &caller);
}

static inline unsigned log2_of(size_t align)
{
    return align ? 63u - (unsigned)__builtin_clzll(align) : 0;
}

EXPORT void *memalign(size_t align, size_t size)
{
    prepare();
    CALLER(TARN_EVENT_ALIGNED, log2_of(align));
    void *block = rec_next.memalign(align, size);
    note_alloc(block, size, &caller);
    return block;
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    prepare();
    CALLER(TARN_EVENT_ALIGNED, log2_of(align));
    void *block = rec_next.aligned_alloc(align, size);
    note_alloc(block, size, &caller);
    return block;
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
    prepare();
    CALLER(TARN_EVENT_ALIGNED, log2_of(align));
    int error = rec_next.posix_memalign(out, align, size);
    note_alloc(error ? NULL : *out, size, &caller);
    return error;
}

static size_t page_size(void)
{
    static size_t page; /* the same for every thread that stores it */
    if (!page)
        page = (size_t)sysconf(_SC_PAGESIZE);
    return page;
}

EXPORT void *valloc(size_t size)
{
    prepare();
    CALLER(TARN_EVENT_ALIGNED, log2_of(page_size()));
    void *block = rec_next.valloc(size);
    note_alloc(block, size, &caller);
    return block;
}

EXPORT void *pvalloc(size_t size)
{
    prepare();
    CALLER(TARN_EVENT_ALIGNED, log2_of(page_size()));
    void *block = rec_next.pvalloc(size);
    note_alloc(block, (size + page_size() - 1) & ~(page_size() - 1), &caller);
    return block;
}

EXPORT void cfree(void *block);
EXPORT void cfree(void *block)
{
    if (!block || rec_is_early(block))
        return;
    note_free(block);
    rec_next.free(block);
}

EXPORT void free_sized(void *block, size_t size);
EXPORT void free_sized(void *block, size_t size)
{
    (void)size;
    cfree(block);
}

EXPORT void free_aligned_sized(void *block, size_t align, size_t size);
EXPORT void free_aligned_sized(void *block, size_t align, size_t size)
{
    (void)align, (void)size;
    cfree(block);
}

EXPORT size_t malloc_usable_size(void *block)
{
    if (!block)
        return 0;
    if (rec_is_early(block))
        return rec_early_size(block);
    size_t bytes = rec_next.usable(block);
    rec_thread *self = &rec_self;
    if (rec_recording(self)) {
        uint64_t address = (uint64_t)(uintptr_t)block;
        uint64_t words[2] = {tarn_word_other(TARN_OP_USABLE, address), bytes};
        rec_put_slow(self, words, 2);
    }
    return bytes;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
