/* SPDX-License-Identifier: MIT */
/*
 * allocator.h - the interface that every allocator of Tarn has, and the only one that its users need.
 *
 *     tarn_allocator *a = tarn_libc();
 *     void *p = tarn_alloc(a, 100, TARN_ALIGN_MAX);
 *     tarn_free(a, p, 100, TARN_ALIGN_MAX);
 *
 * A handle is one pointer to a struct whose first member points to a table of operations:
 *
 *     tarn_allocator *──► ┌─────────┐      ┌────────────── tarn_ops: one cache line ──────────────┐
 *                         │ ops ────┼────► │ abi caps │ alloc free resize at_least batches │ rare ┼──► tarn_rare_ops
 *                         │ (state) │      └──────────────────────────────────────────────────────┘
 *                         └─────────┘
 *
 * The rules that hold for every allocator (test/conform checks them):
 *
 * R1  Free is sized: it gets the block, a size between the one asked for and the one granted, and
 *     the same alignment. Only an allocator with TARN_CAP_UNSIZED_FREE may be passed size 0 for
 *     "unknown".
 * R2  A failed call returns NULL (or a status) and changes nothing; tarn_why tells the reason.
 * R3  Alignment is a power of two, asked for on every call, packed as its logarithm in the spec
 *     word. A spec of 0 asks for alignment 1; TARN_ALIGN_MAX for what malloc gives;
 *     TARN_SPEC_OF(T) for that of a type.
 * R4  A request of 0 bytes gives a pointer that is not NULL and must be freed with size 0; two of
 *     them may be equal.
 * R5  What an allocator cannot do is absent: the entry is NULL and the capability bit is clear.
 *     `alloc` and `free` are always there; a free that reclaims nothing before a reset leaves
 *     TARN_CAP_FREE clear.
 * R6  Freeing NULL does nothing.
 * R7  Contents of a new block are undefined unless TARN_ZERO is asked for.
 * R8  An allocator stays at its address as long as it lives; handles point into it.
 */
#ifndef TARN_ALLOCATOR_H
#define TARN_ALLOCATOR_H

#include <tarn/config.h>
#include <tarn/status.h>

TARN_BEGIN_DECLS

/* Any allocator, erased: one pointer. */
typedef struct tarn_allocator tarn_allocator;

/*
 * How a block is wanted, in one word:
 *
 *     31            16 15        9   8        7        6     5            0
 *     ┌───────────────┬───────────┬────────┬────────┬──────┬──────────────┐
 *     │ site tag      │ 0         │NO_COPY │IN_PLACE│ ZERO │ log2(align)  │
 *     └───────────────┴───────────┴────────┴────────┴──────┴──────────────┘
 */
typedef uint32_t tarn_spec;

/* log2 of the alignment, 0 to 63 (31 where a pointer has 32 bits) */
#define TARN_ALIGN_BITS 0x0000003fu
#define TARN_ZERO       0x00000040u /* alloc: all bytes are 0; resize: those from the old size on */
#define TARN_IN_PLACE   0x00000080u /* resize: never move the block */
#define TARN_NO_COPY    0x00000100u /* resize: move only when no byte has to be copied */
#define TARN_FLAG_BITS  0x0000ffc0u
#define TARN_TAG_SHIFT  16

/* The spec of a power-of-two alignment that is known at compile time. */
#define TARN_SPEC(align)                                                                           \
    TARN_CAST_(tarn_spec, __builtin_ctzll(TARN_CAST_(unsigned long long, align)))
/* The spec of a type. */
#ifdef __cplusplus
#define TARN_SPEC_OF(T) TARN_SPEC(alignof(T))
#else
#define TARN_SPEC_OF(T) TARN_SPEC(_Alignof(T))
#endif
/* The alignment that malloc gives: enough for any scalar type. */
#define TARN_ALIGN_MAX TARN_SPEC_OF(max_align_t)

/* A block with its real size. */
typedef struct tarn_block {
    void *ptr;
    size_t size; /* bytes */
} tarn_block;

/* Capabilities: what may be asked of an allocator, and from where. */
enum {
    TARN_CAP_UNSIZED_FREE = 1u << 0, /* free and resize may be passed size 0 for "unknown" */
    TARN_CAP_FREE = 1u << 1,         /* freeing one block makes its memory available again */
    TARN_CAP_RESIZE = 1u << 2,       /* resize is there: in place, or moving cheaply */
    TARN_CAP_OWNS = 1u << 3,         /* owns answers yes or no, never unknown */
    TARN_CAP_RESET = 1u << 4,
    TARN_CAP_MARK = 1u << 5,
    TARN_CAP_TRIM = 1u << 6,
    TARN_CAP_VISIT = 1u << 7,
    TARN_CAP_CHECK = 1u << 8,
    TARN_CAP_STATS = 1u << 9,
    TARN_CAP_THREADS = 1u << 10,      /* any thread, every operation                          */
    TARN_CAP_THREADS_FREE = 1u << 11, /* any thread may free; one at a time does the rest     */
    TARN_CAP_ZEROED = 1u << 12,       /* fresh memory is zero: TARN_ZERO costs no writes      */
    TARN_CAP_BOUNDED = 1u << 13       /* alloc and free take a bounded number of instructions */
};

/* Answers to a question about a pointer. */
typedef enum tarn_answer { TARN_NO = 0, TARN_YES = 1, TARN_UNKNOWN = 2 } tarn_answer;

/* A position to return to; opaque. */
typedef struct tarn_mark {
    void *at[2];
} tarn_mark;

/* Which members of tarn_stats an allocator knows. */
enum {
    TARN_STATS_LIVE = 1u << 0,   /* live_blocks, live_bytes            */
    TARN_STATS_PEAK = 1u << 1,   /* peak_blocks, peak_bytes            */
    TARN_STATS_TOTAL = 1u << 2,  /* allocs, frees, resizes, bytes      */
    TARN_STATS_FAILED = 1u << 3, /* failures                           */
    TARN_STATS_HELD = 1u << 4,   /* held_bytes, idle_bytes            */
    TARN_STATS_CHUNKS = 1u << 5  /* chunks                             */
};

/* Counters, copied out. Bytes are those asked for, unless only what was granted is known. */
typedef struct tarn_stats {
    uint32_t known; /* TARN_STATS_… bits: the members below that mean something */
    size_t live_blocks, live_bytes;
    size_t peak_blocks, peak_bytes;
    uint64_t allocs, frees, resizes; /* calls that succeeded           */
    uint64_t bytes;                  /* asked for over all allocs      */
    uint64_t failures;               /* calls that were refused        */
    size_t held_bytes;               /* taken from source or parent    */
    size_t idle_bytes;               /* of these, not in a live block  */
    size_t chunks;
} tarn_stats;

/* Sees one live block; false ends the visit. */
typedef bool tarn_visitor(void *user, void *block, size_t size);

/*
 * The rare operations. Any entry may be NULL. New entries come at the end; `bytes` is what the
 * author's table has.
 */
typedef struct tarn_rare_ops {
    size_t bytes; /* sizeof(tarn_rare_ops) where the table was compiled */
    const char *(*name)(const tarn_allocator *);
    tarn_answer (*owns)(const tarn_allocator *, const void *block);
    size_t (*usable)(const tarn_allocator *, const void *block, size_t size, tarn_spec);
    tarn_status (*reset)(tarn_allocator *);
    tarn_mark (*mark)(tarn_allocator *);
    tarn_status (*rewind)(tarn_allocator *, tarn_mark);
    size_t (*trim)(tarn_allocator *);
    tarn_status (*stats)(const tarn_allocator *, tarn_stats *out);
    tarn_status (*visit)(tarn_allocator *, tarn_visitor *see, void *user);
    tarn_status (*check)(const tarn_allocator *);
    tarn_why (*why)(const tarn_allocator *);
    tarn_allocator *(*parent)(const tarn_allocator *, unsigned index);
    void (*deinit)(tarn_allocator *);
    void (*share)(tarn_allocator *);
} tarn_rare_ops;

/* The hot operations: 64 bytes where a pointer has 64 bits. */
typedef struct tarn_ops {
    uint32_t abi;  /* TARN_ABI */
    uint32_t caps; /* TARN_CAP_… bits */
    void *(*alloc)(tarn_allocator *, size_t size, tarn_spec);
    void (*free)(tarn_allocator *, void *block, size_t size, tarn_spec); /* block is never NULL */
    void *(*resize)(tarn_allocator *, void *block, size_t old_size, size_t new_size, size_t keep,
                    tarn_spec);
    tarn_block (*alloc_at_least)(tarn_allocator *, size_t size, tarn_spec);
    size_t (*alloc_batch)(tarn_allocator *, size_t size, tarn_spec, size_t count, void **out);
    void (*free_batch)(tarn_allocator *, size_t size, tarn_spec, size_t count, void *const *blocks);
    const tarn_rare_ops *rare;
} tarn_ops;

struct tarn_allocator {
    const tarn_ops *ops;
};

/*
 * The entry `field` of the rare table of allocator a; NULL when it is absent, or the table was
 * compiled before there was such an entry. For those who write allocators.
 */
#define TARN_RARE(a, field)                                                                        \
    ((a)->ops->rare != NULL && (a)->ops->rare->bytes >=                                            \
                                   offsetof(tarn_rare_ops, field) + sizeof((a)->ops->rare->field)  \
         ? (a)->ops->rare->field                                                                   \
         : NULL)

#ifdef __cplusplus
static_assert(sizeof(void *) != 8 || sizeof(tarn_ops) == 64,
              "the hot operations fill one cache line");
#else
_Static_assert(sizeof(void *) != 8 || sizeof(tarn_ops) == 64,
               "the hot operations fill one cache line");
#endif

/* ── Spec words ──────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_spec_align - the alignment in a spec word.
 *
 * Returns  bytes, a power of two.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline size_t tarn_spec_align(tarn_spec spec)
{
    return (size_t)1 << (spec & (sizeof(size_t) * 8 - 1));
}

/**
 * tarn_spec_for - the spec word of an alignment that is known at run time.
 *
 * Units    align in bytes, a power of two.
 * Returns  the spec; TARN_ALIGN_BITS (which every allocator refuses) when align is no power of two.
 * Fails    see Returns.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_spec tarn_spec_for(size_t align)
{
    return align != 0 && (align & (align - 1)) == 0 ? TARN_SPEC(align) : TARN_ALIGN_BITS;
}

/* ── Blocks ──────────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_alloc - a block.
 *
 * Units    size in bytes.
 * Returns  a block of at least size bytes, aligned as spec asks; zeroed with TARN_ZERO, else
 *          undefined.
 * Fails    NULL when the allocator cannot serve it; the allocator is unchanged and tarn_why tells
 *          the reason.
 * Threads  one at a time, unless the allocator has TARN_CAP_THREADS.
 * Cost     one indirect call; the allocator's own cost.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return a->ops->alloc(a, size, spec);
}

/**
 * tarn_free - a block back.
 *
 * Units    size in bytes: any from the size asked for to the size granted.
 * Fails    never; a block that is not this allocator's, or not live, is a fault where it is
 *          noticed.
 * Threads  one at a time, unless TARN_CAP_THREADS or TARN_CAP_THREADS_FREE.
 * Cost     one indirect call; the allocator's own cost. NULL is ignored.
 */
static TARN_FAST void tarn_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    if (TARN_LIKELY(block != NULL))
        a->ops->free(a, block, size, spec);
}

/**
 * tarn_resize - give a block another size.
 *
 * With TARN_IN_PLACE the block never moves; with TARN_NO_COPY it may move, but only where the
 * allocator can do so without copying bytes (page tables); with neither it may move, and the first
 * `keep` bytes are copied. An allocator without the operation is served by alloc, copy and free,
 * where moving is allowed.
 *
 * Units    old_size, new_size, keep in bytes; keep <= the smaller of the two sizes. When old_size is
 *          0 for "unknown", TARN_ZERO leaves the first keep bytes as they are.
 * Returns  the block, perhaps at another address: its first keep bytes are those of the old one.
 *          The old pointer is then gone unless it is the one returned.
 * Fails    NULL: the block is untouched and still the caller's.
 * Threads  as tarn_alloc.
 * Cost     O(1) in place; O(keep) when it moves by copying.
 */
TARN_API TARN_MUST_USE void *tarn_resize(tarn_allocator *a, void *block, size_t old_size,
                                         size_t new_size, size_t keep, tarn_spec spec);

/**
 * tarn_resize_by_copy - resize by alloc, copy and free; for those who write allocators.
 *
 * Units    as tarn_resize.
 * Returns  as tarn_resize; NULL when spec forbids moving or copying.
 * Fails    NULL: the block is untouched.
 * Threads  as tarn_alloc.
 * Cost     O(keep).
 */
TARN_API TARN_MUST_USE void *tarn_resize_by_copy(tarn_allocator *a, void *block, size_t old_size,
                                                 size_t new_size, size_t keep, tarn_spec spec);

/**
 * tarn_alloc_at_least - a block, and how big it really is.
 *
 * Units    size in bytes.
 * Returns  the block and its real size, at least the one asked for; all of it may be used, and any
 *          size between the two may be passed to free.
 * Fails    {NULL, 0}; as tarn_alloc.
 * Threads  as tarn_alloc.
 * Cost     as tarn_alloc.
 */
TARN_MUST_USE static inline tarn_block tarn_alloc_at_least(tarn_allocator *a, size_t size,
                                                           tarn_spec spec)
{
    tarn_block b;
    if (a->ops->alloc_at_least != NULL)
        return a->ops->alloc_at_least(a, size, spec);
    b.ptr = a->ops->alloc(a, size, spec);
    b.size = b.ptr != NULL ? size : 0;
    return b;
}

/**
 * tarn_alloc_batch - many blocks of one size.
 *
 * Units    size in bytes, of each block; count in blocks.
 * Returns  how many blocks were put in out[0], out[1], …: less than count only when the allocator
 *          ran out.
 * Fails    see Returns; the blocks that were given are the caller's.
 * Threads  as tarn_alloc.
 * Cost     one indirect call where the allocator has the operation, else one for each block.
 */
TARN_API size_t tarn_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                 void **out);

/**
 * tarn_free_batch - many blocks of one size back. None may be NULL.
 *
 * Units    size in bytes, of each block; count in blocks.
 * Fails    never; faults as tarn_free.
 * Threads  as tarn_free.
 * Cost     as tarn_alloc_batch.
 */
TARN_API void tarn_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                              void *const *blocks);

/* ── Questions and rare operations ───────────────────────────────────────────────────────────── */

/**
 * tarn_can - has the allocator all of these capabilities?
 *
 * Returns  true when every bit of caps is set.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline bool tarn_can(const tarn_allocator *a, uint32_t caps)
{
    return (a->ops->caps & caps) == caps;
}

/**
 * tarn_name - what the allocator is called.
 *
 * Returns  a string that lives as long as the allocator; "allocator" when it has no name.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API const char *tarn_name(const tarn_allocator *a);

/**
 * tarn_owns - does this address lie in a block that the allocator may have handed out?
 *
 * Returns  TARN_YES or TARN_NO; TARN_UNKNOWN when the allocator cannot tell (TARN_CAP_OWNS is
 *          clear). Yes does not say that the block is live.
 * Fails    never; any address may be asked about, none is read.
 * Threads  as tarn_alloc.
 * Cost     the allocator's own; O(1) for pools, O(chunks) for arenas.
 */
TARN_API tarn_answer tarn_owns(const tarn_allocator *a, const void *block);

/**
 * tarn_usable - the real size of a live block.
 *
 * Units    size in bytes, as for tarn_free.
 * Returns  bytes; at least the size that was asked for. size itself when the allocator does not
 *          know better.
 * Fails    never.
 * Threads  as tarn_alloc.
 * Cost     O(1).
 */
TARN_API size_t tarn_usable(const tarn_allocator *a, const void *block, size_t size,
                            tarn_spec spec);

/**
 * tarn_reset - all blocks back at once, memory kept for the next ones.
 *
 * Returns  TARN_OK.
 * Fails    TARN_UNSUPPORTED, nothing changed.
 * Threads  one; no other may use the allocator meanwhile.
 * Cost     the allocator's own; never more than O(chunks) for arenas and for pools without init.
 */
TARN_API tarn_status tarn_reset(tarn_allocator *a);

/**
 * tarn_get_mark - a position to which tarn_rewind can return.
 *
 * Returns  the mark; good until the allocator is reset or rewound past it, or a block that is older
 *          than the mark is freed or resized.
 * Fails    a mark that tarn_rewind refuses, when the allocator has no TARN_CAP_MARK.
 * Threads  as tarn_alloc.
 * Cost     O(1).
 */
TARN_API tarn_mark tarn_get_mark(tarn_allocator *a);

/**
 * tarn_rewind - free all blocks allocated since the mark was taken.
 *
 * Returns  TARN_OK.
 * Fails    TARN_UNSUPPORTED, nothing changed.
 * Threads  as tarn_alloc.
 * Cost     O(chunks since the mark) + the cleanups run.
 */
TARN_API tarn_status tarn_rewind(tarn_allocator *a, tarn_mark mark);

/**
 * tarn_trim - idle memory back to the parent or source; live blocks stay.
 *
 * Returns  bytes given back.
 * Fails    0 when there is nothing to give, or the allocator cannot.
 * Threads  as tarn_alloc.
 * Cost     O(chunks).
 */
TARN_API size_t tarn_trim(tarn_allocator *a);

/**
 * tarn_get_stats - copy the counters.
 *
 * Returns  TARN_OK; out->known says which members mean something.
 * Fails    TARN_UNSUPPORTED; out is all zero.
 * Threads  as tarn_alloc.
 * Cost     O(chunks) at most.
 */
TARN_API tarn_status tarn_get_stats(const tarn_allocator *a, tarn_stats *out);

/**
 * tarn_visit - see every live block once.
 *
 * The visitor may free the block it sees, and may not otherwise use the allocator.
 *
 * Returns  TARN_OK, also when the visitor ended it.
 * Fails    TARN_UNSUPPORTED, nothing was visited.
 * Threads  as tarn_alloc.
 * Cost     O(blocks).
 */
TARN_API tarn_status tarn_visit(tarn_allocator *a, tarn_visitor *see, void *user);

/**
 * tarn_check - verify the allocator's invariants.
 *
 * Returns  TARN_OK when they hold.
 * Fails    TARN_CORRUPT when one does not; TARN_UNSUPPORTED.
 * Threads  as tarn_alloc.
 * Cost     O(blocks).
 */
TARN_API tarn_status tarn_check(const tarn_allocator *a);

/**
 * tarn_get_why - the reason of the last failure.
 *
 * Returns  status, and the request that was refused; status TARN_OK when nothing has failed yet or
 *          the allocator keeps no record.
 * Fails    never.
 * Threads  as tarn_alloc.
 * Cost     O(1).
 */
TARN_API tarn_why tarn_get_why(const tarn_allocator *a);

/**
 * tarn_why_text - the last failure in words, as in: pool 'nodes': refused 128 bytes aligned to 8:
 * ….
 *
 * Units    size in bytes, of text.
 * Returns  the length of the whole sentence, as snprintf; what fits is in text, always ended by 0
 *          when size > 0.
 * Fails    never.
 * Threads  as tarn_alloc.
 * Cost     O(length).
 */
TARN_API size_t tarn_why_text(const tarn_allocator *a, char *text, size_t size);

/**
 * tarn_parent - the allocators behind this one.
 *
 * Returns  the index-th parent, NULL when there are no more.
 * Fails    see Returns.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API tarn_allocator *tarn_parent(const tarn_allocator *a, unsigned index);

/**
 * tarn_deinit - tear an allocator down through its handle: every chunk goes back to where it came
 * from.
 *
 * Fails    never; does nothing for an allocator that needs none.
 * Threads  one; no other may use the allocator.
 * Cost     O(chunks).
 */
TARN_API void tarn_deinit(tarn_allocator *a);

/**
 * tarn_share - threads will take turns with this allocator, and with all its parents.
 *
 * An allocator for one thread that checks its calls belongs to the first thread that uses it; a
 * call by another is a fault. This says that several will, one at a time. `lock` says it for what
 * stands under it; a program that hands an allocator over to another thread says it itself.
 *
 * Fails    never; does nothing for an allocator that does not look.
 * Threads  one; no other may use the allocator meanwhile.
 * Cost     O(parents).
 */
TARN_API void tarn_share(tarn_allocator *a);

TARN_END_DECLS

#endif
