/* SPDX-License-Identifier: MIT */
/*
 * buffer.h - the caller's bytes as a source: a static array, a piece of stack, a mapped file.
 *
 * For: machines and programs in which memory is set aside beforehand. Needs nothing of the system.
 *
 *     static max_align_t bytes[4096];
 *     tarn_buffer buffer;
 *     tarn_source *source = tarn_buffer_init(&buffer, bytes, sizeof bytes);
 *
 * Regions are handed out front to back. The last one may be given back, then the one before it, and
 * so on; the bytes of one given back out of order are used again when all regions are back.
 *
 *     bytes                                        used                 end
 *     │ region │ region │ gap for alignment │ region │  not handed out   │
 */
#ifndef TARN_BUFFER_H
#define TARN_BUFFER_H

#include <tarn/source.h>

TARN_BEGIN_DECLS

/* Bytes to which a buffer's regions are rounded and aligned at least. */
#define TARN_BUFFER_GRANULE 16u

/* State; fields are private, but for the source. */
typedef struct tarn_buffer {
    tarn_source source; /* to be passed on as &buffer.source */
    char *bytes;        /* the first, rounded up to a granule */
    size_t size;        /* bytes, whole granules              */
    size_t used;        /* bytes handed out, gaps included    */
    size_t regions;     /* out now                            */
    size_t peak;        /* bytes, the highest `used`          */
    size_t gapped;      /* offset of the last region with a gap before it, 0: none */
} tarn_buffer;

/**
 * tarn_buffer_init - see bytes as a source. Needs no deinit; the bytes stay the caller's.
 *
 * What does not fill a granule of 16 bytes at either end is left unused.
 *
 * Units    size in bytes.
 * Returns  &b->source.
 * Fails    never; a buffer that is too small for a granule refuses every region.
 * Threads  one; afterwards one at a time.
 * Cost     O(1); no byte is touched.
 */
TARN_API tarn_source *tarn_buffer_init(tarn_buffer *b, void *bytes, size_t size);

/**
 * tarn_buffer_owns - does this address lie in the part that is handed out?
 *
 * Returns  true when it does.
 * Fails    never.
 * Threads  one at a time.
 * Cost     O(1).
 */
TARN_API bool tarn_buffer_owns(const tarn_buffer *b, const void *address);

TARN_END_DECLS

#endif
