/* SPDX-License-Identifier: MIT */
/*
 * spans_decay.h - how much idle memory may be kept, by its age.
 *
 * Time goes in 32 steps to the decay time. What became idle in one step counts in full until it ends
 * and less with each that follows, along 1 - 3x² + 2x³: flat at both ends, so that a short pause
 * costs nothing and the end is no burst.
 *
 *     1 ┤▄▄▄▄
 *       │    ▀▀▄▄                   limit = sum over the steps of (became idle then × the curve)
 *       │        ▀▄▄
 *       │           ▀▀▄▄▄
 *     0 ┤                ▀▀▀▀
 *       └ now      age      decay time
 *
 * What is used again is taken off the youngest, since that is what is handed out first; what has been
 * given back stays in the sum until its time is over, or the curve would be applied twice. Units are
 * the caller's.
 */
#ifndef TARN_SOURCE_SPANS_DECAY_H
#define TARN_SOURCE_SPANS_DECAY_H

#include <tarn/spans.h>

/* decay_ms: neither of the two special values. */
void tarn_decay_init(tarn_span_decay *d, uint32_t decay_ms, uint64_t now);

/* Ends the steps that are over; to be called before anything of the current one is added. True when
 * there was one. When the clock went back, the step begins anew. */
bool tarn_decay_advance(tarn_span_decay *d, uint64_t now);

/* So much became idle now; so much of what is idle is used again; nothing is idle any more. */
void tarn_decay_add(tarn_span_decay *d, size_t amount);
void tarn_decay_take(tarn_span_decay *d, size_t amount);
void tarn_decay_clear(tarn_span_decay *d);

/* How much may be kept, rounded up. */
size_t tarn_decay_limit(const tarn_span_decay *d);

#endif
