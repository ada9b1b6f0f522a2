/* SPDX-License-Identifier: MIT */
/*
 * pages_place.h - where the memory of a page source's region comes from: between pages.c and the
 * system.
 */
#ifndef TARN_SOURCE_PAGES_PLACE_H
#define TARN_SOURCE_PAGES_PLACE_H

#include <tarn/pages.h>

/* Every counter of a page source is changed by these alone: relaxed, as none guards other data. */
#define COUNT(counter, n) ((void)__atomic_fetch_add(&(counter), (n), __ATOMIC_RELAXED))
#define READ(counter)     __atomic_load_n(&(counter), __ATOMIC_RELAXED)
#define WRITE(counter, v) __atomic_store_n(&(counter), (v), __ATOMIC_RELAXED)

/* Judges the options about huge pages and nodes and takes them over. */
tarn_status tarn_pages_set_place(tarn_pages *p, const tarn_pages_options *o);

/* out->size bytes, whole granules, into out->ptr, with the traits HUGE and COMMITTED as they are. */
tarn_status tarn_pages_place(tarn_pages *p, size_t align, bool reserve, tarn_region *out);

#endif
