/* SPDX-License-Identifier: MIT */
/*
 * site.h - which line of the program, and which C type, an allocation is for: 16 bits that travel in the spec word.
 *
 *     tarn_spec spec = TARN_SPEC_OF(struct node) | TARN_SITE(struct node);
 *     const tarn_site *s = tarn_site_of(spec);          s->type "struct node", s->file, s->line, s->size
 *
 * Each use of TARN_SITE leaves one record in the linker section `tarn_sites`; the tag is the record's number in it plus
 * 1, and 0 is "no site". A program and each of its shared libraries has a section of its own, so a tag means something
 * only in the module that made it. C only: in C++ the inline functions and templates of many files would fight over the
 * section, and TARN_SITE is 0. So it is with TARN_NO_SITES, and beyond 65,534 sites.
 */
#ifndef TARN_SITE_H
#define TARN_SITE_H

#include <tarn/allocator.h>

/* One place in a program that allocates. */
typedef struct tarn_site {
    const char *type; /* as written in the source                */
    const char *file; /* __FILE__                                */
    uint32_t line;    /* __LINE__                                */
    uint32_t size;    /* bytes, of the type; UINT32_MAX for more */
} tarn_site;

#if defined(__cplusplus) || defined(TARN_NO_SITES) || !defined(__ELF__)

#define TARN_SITE(T) TARN_CAST_(tarn_spec, 0)

/**
 * tarn_site_of - the record behind a spec's tag.
 *
 * Returns  the site; NULL when the spec has no tag, or not one of this module's.
 * Fails    see Returns.
 * Threads  any.
 * Cost     O(1).
 */
static inline const tarn_site *tarn_site_of(tarn_spec spec)
{
    (void)spec;
    return NULL;
}

#else

/* Set by the linker: the first record of this module, and the end. Absent when the module has none. */
extern const tarn_site __start_tarn_sites[] __attribute__((weak, visibility("hidden")));
extern const tarn_site __stop_tarn_sites[] __attribute__((weak, visibility("hidden")));

/* The site tag of this line, for a block of type T, in place for a spec word. */
#define TARN_SITE(T)                                                                               \
    (__extension__({                                                                               \
        static const tarn_site tarn_site_here_ __attribute__((section("tarn_sites"), used,         \
                                                              aligned(sizeof(void *)))) = {        \
            #T, __FILE__, __LINE__, sizeof(T) < UINT32_MAX ? (uint32_t)sizeof(T) : UINT32_MAX};    \
        tarn_site_tag_(&tarn_site_here_);                                                          \
    }))

/* A record's tag; private to TARN_SITE. */
static inline tarn_spec tarn_site_tag_(const tarn_site *site)
{
    size_t n = (size_t)(site - __start_tarn_sites) + 1;
    return n <= 0xffff ? (tarn_spec)n << TARN_TAG_SHIFT : 0;
}

/**
 * tarn_site_of - the record behind a spec's tag.
 *
 * Returns  the site; NULL when the spec has no tag, or not one of this module's.
 * Fails    see Returns.
 * Threads  any.
 * Cost     O(1).
 */
static inline const tarn_site *tarn_site_of(tarn_spec spec)
{
    size_t n = spec >> TARN_TAG_SHIFT;
    if (n == 0 || __start_tarn_sites == NULL ||
        n > (size_t)(__stop_tarn_sites - __start_tarn_sites))
        return NULL;
    return &__start_tarn_sites[n - 1];
}

#endif

#endif
