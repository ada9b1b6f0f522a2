/* SPDX-License-Identifier: MIT */
/*
 * tarn.h - everything of Tarn in C. C++ users include tarn/tarn.hpp.
 *
 * Start with allocator.h (the interface), pool.h or arena.h (the two strategies), new.h (objects by type).
 */
#ifndef TARN_TARN_H
#define TARN_TARN_H

#include <tarn/affix.h>
#include <tarn/allocator.h>
#include <tarn/arena.h>
#include <tarn/buddy.h>
#include <tarn/buffer.h>
#include <tarn/build.h>
#include <tarn/cache.h>
#include <tarn/callbacks.h>
#include <tarn/defrag.h>
#include <tarn/fail.h>
#include <tarn/fallback.h>
#include <tarn/file.h>
#include <tarn/frames.h>
#include <tarn/grow.h>
#include <tarn/layer.h>
#include <tarn/limit.h>
#include <tarn/lock.h>
#include <tarn/new.h>
#include <tarn/object_cache.h>
#include <tarn/offset.h>
#include <tarn/on_fail.h>
#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/quantize.h>
#include <tarn/range.h>
#include <tarn/ring.h>
#include <tarn/scope.h>
#include <tarn/scratch.h>
#include <tarn/segment.h>
#include <tarn/segment_arena.h>
#include <tarn/segment_pool.h>
#include <tarn/segregate.h>
#include <tarn/shared_pool.h>
#include <tarn/site.h>
#include <tarn/slab.h>
#include <tarn/slots.h>
#include <tarn/source.h>
#include <tarn/spans.h>
#include <tarn/stack.h>
#include <tarn/stats.h>
#include <tarn/status.h>
#include <tarn/tlsf.h>

#endif
