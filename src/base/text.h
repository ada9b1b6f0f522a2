/* SPDX-License-Identifier: MIT */
/*
 * text.h - short sentences put together without stdio: labels, faults, reasons.
 *
 *     char line[80];
 *     tarn_text t = tarn_text_in(line, sizeof line);
 *     tarn_text_put(&t, "given ");
 *     tarn_text_put_size(&t, 48);
 *
 * For: the layers that also compile freestanding. Not for: anything a user formats.
 *
 * I1  What fits is in the buffer and ended by 0; `length` counts all that was put, fitting or not.
 */
#ifndef TARN_BASE_TEXT_H
#define TARN_BASE_TEXT_H

#include <stddef.h>

typedef struct tarn_text {
    char *out;
    size_t size;   /* bytes of out */
    size_t length; /* bytes put    */
} tarn_text;

/* Nothing put yet. size may be 0: then only the length is counted. */
tarn_text tarn_text_in(char *out, size_t size);

void tarn_text_put(tarn_text *t, const char *part);
void tarn_text_put_size(tarn_text *t, size_t value);
void tarn_text_put_pointer(tarn_text *t, const void *p); /* as %p of glibc: 0x…, or (nil) */

enum { TARN_LABEL_NAME = 30 }; /* bytes of a layer's name that its label shows */

/* What an allocator is called: `type`, or `type 'name'` with at most `most` bytes of the name. */
void tarn_text_label(char *out, size_t size, const char *type, const char *name, size_t most);

#endif
