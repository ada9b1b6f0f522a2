/* SPDX-License-Identifier: MIT */
/*
 * flaws.h - allocators with one flaw each, and the rule of the suite that has to see it.
 *
 *     probe (does everything right) ◄── flaw: one operation replaced       flaws_probe.c
 *     bump  (a strip of bytes)      ◄── flaws of layout                    flaws_layout.c
 *     pass  (hands on to the parent)◄── flaws towards the parent           flaws_layout.c
 */
#ifndef TARN_CONFORM_FLAWS_H
#define TARN_CONFORM_FLAWS_H

#include <tarn/allocator.h>

typedef struct flaw {
    const char *rule;
    void (*put_in)(void); /* called by make, on the fresh allocator */
} flaw;

/* An allocator, sound unless a flaw is put in; the user of make is a pointer to put_in. */
typedef struct flawed {
    tarn_allocator *(*make)(tarn_allocator *parent, void *user);
    void (*unmake)(tarn_allocator *a, void *user);
    const flaw *flaws;
    size_t count;
} flawed;

extern const flawed flawed_probe, flawed_bump, flawed_pass;

/* What a flaw loses is kept here, so that the tests themselves do not leak; returns p. */
void *lose(void *p);
void find_lost(void);

#endif
