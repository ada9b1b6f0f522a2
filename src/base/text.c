/* SPDX-License-Identifier: MIT */
/* text.c - short sentences put together without stdio. */
#include "base/text.h"

#include <stdint.h>

enum { DIGITS = 24 }; /* of any size_t, in base 10 or 16 */

tarn_text tarn_text_in(char *out, size_t size)
{
    if (size != 0)
        out[0] = 0;
    return (tarn_text){out, size, 0};
}

static void put_byte(tarn_text *t, char byte)
{
    if (t->length + 1 < t->size) {
        t->out[t->length] = byte;
        t->out[t->length + 1] = 0;
    }
    t->length++;
}

void tarn_text_put(tarn_text *t, const char *part)
{
    while (*part != 0)
        put_byte(t, *part++);
}

static void put_number(tarn_text *t, uintptr_t value, unsigned base)
{
    char digits[DIGITS];
    size_t n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (n > 0)
        put_byte(t, digits[--n]);
}

void tarn_text_put_size(tarn_text *t, size_t value)
{
    put_number(t, value, 10);
}

void tarn_text_put_pointer(tarn_text *t, const void *p)
{
    tarn_text_put(t, p != NULL ? "0x" : "(nil)");
    if (p != NULL)
        put_number(t, (uintptr_t)p, 16);
}

void tarn_text_label(char *out, size_t size, const char *type, const char *name, size_t most)
{
    tarn_text t = tarn_text_in(out, size);
    tarn_text_put(&t, type);
    if (name == NULL)
        return;
    tarn_text_put(&t, " '");
    for (; *name != 0 && most > 0; most--)
        put_byte(&t, *name++);
    put_byte(&t, '\'');
}
